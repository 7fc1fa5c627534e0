# Runs one bundle of suites on the emulated machine; TAP goes to the console.
export NODE_PATH=/usr/local/lib/node_modules
node --test-reporter=tap /run/job/suite.mjs
