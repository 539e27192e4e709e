// mailauth's results. In comes a line of JSON with the TXT records of each name, in base64, and then a message a
// line, in base64. Out comes, for each message, a list with a result for each DKIM-Signature field, in their order.
'use strict';
const { DkimVerifier } = require('mailauth/lib/dkim/dkim-verifier');
const readline = require('readline');

function resolver(zone) {
    return async name => {
        const records = zone[name.toLowerCase()];
        if (!records) {
            throw Object.assign(new Error('no such name'), { code: 'ENOTFOUND' });
        }
        return records.map(each => [Buffer.from(each, 'base64').toString('utf8')]);
    };
}

async function verify(message, zone) {
    const verifier = new DkimVerifier({ resolver: resolver(zone) });
    await new Promise((resolve, reject) => {
        verifier.on('finish', resolve);
        verifier.on('end', resolve);
        verifier.on('error', reject);
        verifier.on('data', () => {});
        verifier.end(Buffer.from(message, 'base64'));
    });
    const results = verifier.results.filter(each => each.signingDomain).map(each => each.status);
    return verifier.signatureHeaders
        .filter(each => each.type === 'DKIM')
        .map(each => (each.skip ? { result: 'skipped' } : results.shift()))
        .map(each => [each.result, each.comment || '']);
}

async function main() {
    let zone;
    for await (const line of readline.createInterface({ input: process.stdin })) {
        if (!zone) {
            zone = JSON.parse(line);
            continue;
        }
        let answer;
        try {
            answer = await verify(line, zone);
        } catch (error) {
            answer = [['error', String(error && error.stack)]];
        }
        process.stdout.write(JSON.stringify(answer) + '\n');
    }
}

main();
