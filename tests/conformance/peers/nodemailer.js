// nodemailer's smtp-server. Arguments: port, Maildir, key, certificate.
'use strict'
const { readFileSync } = require('node:fs')
const { SMTPServer } = require('smtp-server')
const { deliver } = require('./maildir.js')

const [port, maildir, key, cert] = process.argv.slice(2)
new SMTPServer({
    name: 'peer.example.test',
    key: readFileSync(key),
    cert: readFileSync(cert),
    authOptional: true,
    disabledCommands: ['AUTH'],
    disableReverseLookup: true,
    size: 40_000_000,
    onRcptTo: (address, session, done) =>
        done(/^(alice|bob|postmaster)@example\.test$/i.test(address.address) ? null : new Error('Unknown user')),
    onData: (stream, session, done) => {
        const content = []
        stream.on('data', (octets) => content.push(octets))
        stream.on('end', () => deliver(content, maildir).then(() => done(), done))
    },
}).listen(Number(port), '127.0.0.1')
