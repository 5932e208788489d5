#!/bin/bash
# What `make audit` does: pip-audit over the locked packages, wapiti over a demo of its own. Ends with 1 if either finds
# something. Both live in .venv-audit, away from what the portal needs.
set -e
cd "$(dirname "$0")/.."
PORT=${PORT:-8099}
WHO=${WHO:-county_admin}

[ -x .venv-audit/bin/wapiti ] || { python3 -m venv .venv-audit && .venv-audit/bin/pip install -q pip-audit==2.* wapiti3==3.2.3; }

findings=0
# Strict: a package that could not be looked up is a finding, not a pass.
.venv-audit/bin/pip-audit --strict --require-hashes --disable-pip -r requirements.txt || findings=1

folder=$(mktemp -d)
export PORTAL_DATA_DIR="$folder/data" PORTAL_DATABASE_URL='' PORTAL_REDIS_URL='' PORTAL_LOCALE=en
export PORTAL_DEMO_PASSWORD="Audit-$RANDOM-$RANDOM-go"
.venv/bin/portal demo --port "$PORT" > "$folder/demo.log" 2>&1 &
demo=$!
trap 'kill "$demo"; wait "$demo" || true; rm -rf "$folder"' EXIT
address="http://127.0.0.1:$PORT"
until .venv/bin/python -c "import urllib.request; urllib.request.urlopen('$address/healthz')" 2>/dev/null; do
    kill -0 "$demo" || { cat "$folder/demo.log"; exit 1; }
    sleep 1
done
# Signing out, and ending or locking accounts, would end the scan. Cookies are Secure over HTTPS, which this demo has not.
.venv-audit/bin/wapiti -u "$address/" --form-url "$address/login" --form-user "$WHO" --form-password "$PORTAL_DEMO_PASSWORD" \
    -x "$address/logout" -x "$address/login" -x "$address/language" -x "$address/admin/user/*/password" \
    -x "$address/admin/user/*/active" -x "$address/admin/user/*/sessions" -x "$address/admin/user/*/end" \
    -x "$address/admin/account/*" -x "$address/admin/signin/*" -m common,-cookieflags \
    --max-links-per-page 60 --max-files-per-dir 40 --max-scan-time 1500 --max-attack-time 200 \
    --store-session "$folder" --no-bugreport -f json -o "$folder/found.json"
.venv/bin/python - "$folder/found.json" <<'PYTHON' || findings=1
import json, sys
found = json.load(open(sys.argv[1]))
told = [f"{kind}: {one['method']} {one['path']} {one['info']}" for part in ("vulnerabilities", "anomalies")
        for kind, all_of in found[part].items() for one in all_of]
print("\n".join(told) or f"wapiti: no finding on {found['infos']['crawled_pages_nbr']} pages")
sys.exit(bool(told) or not found["infos"]["auth"]["logged_in"])
PYTHON
exit $findings
