#!/usr/bin/env bash
# npm test: the packages that tests need, the build, the checks, the tests. Arguments go to vitest: npm test -- test/cli
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

bash scripts/install-test-packages.sh
npm run --silent build
npm run --silent check
# Where this variable is set, every start of Node 20 reads the whole certificate store; no test needs it.
env -u NODE_EXTRA_CA_CERTS npx vitest run "$@"
