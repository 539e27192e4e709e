// Durable delivery to a Maildir, for receivers that leave storing to a function of yours.
'use strict'
const fs = require('node:fs')
const { open, rename } = require('node:fs/promises')

const folders = new Map() // open for fsync
let count = 0

// Resolves when the content (an array of Buffers) is a file in new/, and both are on the disk.
exports.deliver = async (content, maildir) => {
    if (!folders.has(maildir)) {
        for (const each of ['tmp', 'new', 'cur']) fs.mkdirSync(`${maildir}/${each}`, { recursive: true, mode: 0o700 })
        folders.set(maildir, fs.openSync(`${maildir}/new`))
    }
    const name = `${Date.now()}.P${process.pid}Q${++count}.peer`
    const file = await open(`${maildir}/tmp/${name}`, 'wx', 0o600)
    try {
        await file.writev(content)
        await file.sync()
    } finally {
        await file.close()
    }
    await rename(`${maildir}/tmp/${name}`, `${maildir}/new/${name}`)
    await new Promise((resolve, reject) =>
        fs.fsync(folders.get(maildir), (error) => (error ? reject(error) : resolve())))
}
