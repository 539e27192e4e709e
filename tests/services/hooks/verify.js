// Verifies requests of a hook by npm's standardwebhooks. In comes a line of JSON for each: the secret, the body in
// base64, and the header fields. Out comes a line for each: `true`, or the reason.
'use strict';
const { Webhook } = require('standardwebhooks');
const readline = require('readline');

readline.createInterface({ input: process.stdin }).on('line', line => {
    const { secret, body, headers } = JSON.parse(line);
    try {
        new Webhook(secret).verify(Buffer.from(body, 'base64').toString('utf8'), headers);
        console.log('true');
    } catch (error) {
        console.log(JSON.stringify(error.message));
    }
});
