# make setup | demo | test | bench | soak | load | audit | clean. What each needs is in portal/setup.sh.
.PHONY: setup test-setup demo test bench soak load audit clean
PYTEST = .venv/bin/python -m pytest
SIDE_BY_SIDE = -m "not browser" -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

setup:
	@bash portal/setup.sh

test-setup:
	@bash portal/setup.sh test

demo: setup
	@exec .venv/bin/portal demo $(if $(PORT),--port $(PORT))

# On SQLite, and what meets a database once more on a throw-away PostgreSQL. Browsers, and the watches they keep, want the
# machine for themselves. Modules go to whoever is free in the order of tests/conftest.py: the long ones first.
test: test-setup
	$(PYTEST) $(SIDE_BY_SIDE)
	$(PYTEST) $(SIDE_BY_SIDE) --postgresql
	$(PYTEST) -m browser

bench: test-setup
	$(PYTEST) tests/benchmarks -s -p no:randomly

soak: test-setup
	$(PYTEST) tests/soak -s -p no:randomly $(if $(filter postgresql,$(DATABASE)),--postgresql)

# Half an hour of fifty clerks: make load DATABASE=postgresql MINUTES=5
load: test-setup
	.venv/bin/python tests/load/run.py --database $(or $(DATABASE),sqlite) --clerks $(or $(CLERKS),50) --minutes $(or $(MINUTES),30)

# Known vulnerabilities of what is installed, and a scan of a throw-away demo; needs the internet. See SECURITY.md.
audit: setup
	@bash portal/audit.sh

clean:
	rm -rf .venv .venv-audit .venv-load build *.egg-info .pytest_cache .ruff_cache .hypothesis
	find portal models views exports tests -name __pycache__ -prune -exec rm -rf {} +
	find portal -name '*.mo' -delete
