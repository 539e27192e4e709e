// The plugin by which Haraka stores mail. Environment: PEER_MAILDIR, PEER_SCRIPTS.
'use strict'
const { deliver } = require(`${process.env.PEER_SCRIPTS}/maildir.js`)

exports.hook_rcpt = (next, connection, [recipient]) =>
    /^<?(alice|bob|postmaster)@example\.test>?$/i.test(recipient.address)
        ? next(OK)
        : next(DENY, 'Unknown user')

exports.hook_queue = (next, connection) =>
    connection.transaction.message_stream.get_data((content) =>
        deliver([content], process.env.PEER_MAILDIR).then(() => next(OK), (error) => next(DENYSOFT, error.message)))
