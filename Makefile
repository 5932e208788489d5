# make setup | demo | test | bench | soak | clean. What each needs is in portal/setup.sh.
.PHONY: setup test-setup demo test bench soak clean
PYTEST = .venv/bin/python -m pytest

setup:
	@bash portal/setup.sh

test-setup:
	@bash portal/setup.sh test

demo: setup
	@exec .venv/bin/portal demo $(if $(PORT),--port $(PORT))

test: test-setup
	$(PYTEST)

bench: test-setup
	$(PYTEST) tests/benchmarks -s -p no:randomly

soak: test-setup
	$(PYTEST) tests/soak -s -p no:randomly

clean:
	rm -rf .venv build *.egg-info .pytest_cache .ruff_cache .hypothesis
	find portal models views exports tests -name __pycache__ -prune -exec rm -rf {} +
	find portal -name '*.mo' -delete
