// What mailparser and postal-mime read in the mails whose paths come in, one a line: a line of JSON for each.
'use strict';
const fs = require('fs');
const readline = require('readline');
const { simpleParser } = require('mailparser');
const { htmlToText } = require('html-to-text');

const shown = (text, html) => (text && text.trim() ? text : html ? htmlToText(html, { wordwrap: false }) : text || '');

async function byMailparser(octets) {
    const mail = await simpleParser(octets, { skipImageLinks: true });
    return {
        subject: mail.subject || '',
        from: (mail.from && mail.from.text) || '',
        text: shown(mail.text, mail.html),
        attachments: mail.attachments.map(each => each.filename || '')
    };
}

async function byPostalMime(octets, PostalMime) {
    const mail = await PostalMime.parse(octets);
    const from = mail.from || {};
    return {
        subject: mail.subject || '',
        from: [from.name, from.address].filter(Boolean).join(' '),
        text: shown(mail.text, mail.html),
        attachments: mail.attachments.map(each => each.filename || '')
    };
}

async function main() {
    const PostalMime = require('postal-mime').default || require('postal-mime');
    for await (const path of readline.createInterface({ input: process.stdin })) {
        const octets = fs.readFileSync(path);
        const result = { path };
        for (const [name, read] of [['mailparser', byMailparser], ['postal-mime', byPostalMime]]) {
            try {
                result[name] = await read(octets, PostalMime);
            } catch (error) {
                result[name] = { error: String(error) };
            }
        }
        console.log(JSON.stringify(result));
    }
}

main();
