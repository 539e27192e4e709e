"""The SMTP commands (RFC 5321 section 4.1.1), with BDAT (RFC 3030) and STARTTLS (RFC 3207).

A peer can call the functions in `VERBS` and no others. Each gets the conversation and the command's argument.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from receiver.addresses import AddressError, Path, parse_path
from receiver.recipients import as_reply
from receiver.smtp import heartbeat, replies
from receiver.smtp.conversation import Conversation, Verb
from receiver.smtp.phase import Phase
from receiver.smtp.replies import Reply

MAIL_PARAMETERS = {
    "SIZE",
    "BODY",
    "SMTPUTF8",
    "AUTH",
    "RET",
    "ENVID",
    "BY",
    "MT-PRIORITY",
    "TRANSID",
    "SOLICIT",
}
RCPT_PARAMETERS = {"NOTIFY", "ORCPT", "RRVS"}
_BDAT = re.compile(r"([0-9]{1,18})(?:[ \t]+(LAST))?", re.IGNORECASE)


async def helo(talk: Conversation, hostname: str) -> None:
    if not hostname:
        talk.reply(replies.syntax("HELO hostname"))
        return
    await talk.reset()
    session = talk.wire.session
    session.host_name, session.extended_smtp = hostname, False
    talk.reply(replies.hello(talk.wire.hostname))


async def ehlo(talk: Conversation, hostname: str) -> None:
    if not hostname:
        talk.reply(replies.syntax("EHLO hostname"))
        return
    await talk.reset()
    session = talk.wire.session
    session.host_name, session.extended_smtp = hostname, True
    offers = ["PIPELINING", f"SIZE {talk.limits.message_size}", "8BITMIME", "SMTPUTF8"]
    offers += ["ENHANCEDSTATUSCODES", "CHUNKING"]
    if talk.wire.certificate and session.ssl is None:
        offers.append("STARTTLS")
    talk.reply(replies.hello(talk.wire.hostname, offers))


async def noop(talk: Conversation, argument: str) -> None:
    talk.reply(replies.OK)


async def help_(talk: Conversation, argument: str) -> None:
    talk.reply(_HELP)


async def vrfy(talk: Conversation, argument: str) -> None:
    talk.reply(replies.CANNOT_VERIFY if argument else replies.syntax("VRFY address"))


async def expn(talk: Conversation, argument: str) -> None:
    talk.reply(replies.NO_EXPN)


async def auth(talk: Conversation, argument: str) -> None:
    talk.reply(replies.NO_AUTH)


async def quit_(talk: Conversation, argument: str) -> None:
    if argument:
        talk.reply(replies.syntax("QUIT"))
        return
    talk.wire.close(replies.goodbye(talk.wire.hostname))


async def rset(talk: Conversation, argument: str) -> None:
    if argument:
        talk.reply(replies.syntax("RSET"))
        return
    await talk.reset()
    talk.reply(replies.OK)


async def starttls(talk: Conversation, argument: str) -> None:
    if not talk.wire.certificate:
        talk.reply(replies.NO_STARTTLS)
    elif talk.wire.session.ssl is not None:
        talk.reply(replies.TLS_ALREADY)
    elif argument:
        talk.reply(replies.syntax("STARTTLS"))
    else:
        await talk.reset()
        talk.reply(replies.READY_FOR_TLS)
        await talk.wire.start_tls()


async def mail(talk: Conversation, argument: str) -> None:
    if not talk.wire.session.host_name:
        talk.reply(replies.SAY_HELO_FIRST)
    elif talk.envelope.mail_from is not None:
        talk.reply(replies.SENDER_ALREADY)
    elif talk.accepted >= talk.limits.messages:
        talk.wire.hang_up(replies.TOO_MANY_MESSAGES, "too many messages")
    else:
        try:
            path = parse_path("FROM", argument)
        except AddressError as error:
            talk.reply(replies.bad_argument(error.enhanced, str(error)))
            return
        refusal = _refuse_sender(talk, path)
        size = path.parameters.get("SIZE")
        if size and not refusal and not await talk.reception.store.has_room(int(size)):
            refusal = replies.NO_ROOM
        if refusal:
            talk.reply(refusal)
            return
        envelope = talk.envelope
        envelope.reverse_path = path.address
        envelope.mail_from = str(path.address or "")
        envelope.size = int(size or 0)
        envelope.mail_options = [f"{key}={value}" for key, value in path.parameters.items()]
        talk.reply(replies.SENDER_OK)


def _refuse_sender(talk: Conversation, path: Path) -> Reply | None:
    """The reply that refuses the argument of MAIL; None if it is good. Notes SMTPUTF8 in the envelope."""
    for keyword, value in path.parameters.items():
        if keyword not in MAIL_PARAMETERS:
            return replies.parameter_unknown("MAIL", keyword)
        if keyword == "SIZE":
            if value is None or not value.isascii() or not value.isdigit():
                return replies.SIZE_NO_NUMBER
            if len(value) > 20 or int(value) > talk.limits.message_size:
                return replies.too_large(talk.limits.message_size)
        if keyword == "BODY" and (value or "").upper() not in ("7BIT", "8BITMIME"):
            return replies.BODY_UNKNOWN
        if keyword == "SMTPUTF8" and value is not None:
            return replies.SMTPUTF8_VALUE
    talk.envelope.smtp_utf8 = "SMTPUTF8" in path.parameters
    if path.address and not path.address.domain:
        return replies.SENDER_WITHOUT_DOMAIN
    if path.address and not path.address.is_ascii and not talk.envelope.smtp_utf8:
        return replies.NEEDS_SMTPUTF8
    return None


async def rcpt(talk: Conversation, argument: str) -> None:
    envelope = talk.envelope
    if envelope.mail_from is None:
        talk.reply(replies.SAY_MAIL_FIRST)
        return
    if talk.chunked:
        talk.reply(replies.RCPT_AFTER_BDAT)
        return
    if len(envelope.rcpt_tos) >= talk.limits.recipients:
        talk.reply(replies.TOO_MANY_RECIPIENTS)
        return
    try:
        path = parse_path("TO", argument)
    except AddressError as error:
        talk.reply(replies.bad_argument(error.enhanced, str(error)))
        return
    unknown = next((key for key in path.parameters if key not in RCPT_PARAMETERS), None)
    if unknown:
        talk.reply(replies.parameter_unknown("RCPT", unknown))
    elif path.address is None:
        talk.reply(replies.NULL_RECIPIENT)
    elif not path.address.is_ascii and not envelope.smtp_utf8:
        talk.reply(replies.NEEDS_SMTPUTF8)
    else:
        taken, refusal = heartbeat.add_recipient(talk, path.address)
        if not taken:
            refusal = talk.reception.add_recipient(talk.origin, envelope, path.address)
        if refusal is None:
            talk.begin_check()
        talk.reply(refusal or replies.recipient_ok(as_reply(path.address)))


async def data(talk: Conversation, argument: str) -> None:
    if argument:
        talk.reply(replies.syntax("DATA"))
    elif talk.chunked:
        talk.reply(replies.DATA_AFTER_BDAT)
    elif refusal := _refuse_content(talk):
        talk.reply(refusal)
    else:
        talk.reply(replies.SEND_MESSAGE)
        await talk.wire.outgoing.drain()
        if talk.phase is Phase.COMMANDS:  # The peer may have gone meanwhile.
            talk.begin_data()


async def bdat(talk: Conversation, argument: str) -> None:
    match = _BDAT.fullmatch(argument)
    if not match:  # We cannot know where the next command begins.
        talk.wire.hang_up(replies.BDAT_WITHOUT_SIZE, "BDAT without a size")
        return
    refusal = None if talk.chunked else _refuse_content(talk)
    await talk.begin_chunk(int(match[1]), last=match[2] is not None, refusal=refusal)


def _refuse_content(talk: Conversation) -> Reply | None:
    """The reply that refuses DATA or BDAT; None if content may begin."""
    if talk.envelope.rcpt_tos:
        return None
    if talk.envelope.mail_from is None:
        return replies.SAY_MAIL_FIRST
    if talk.envelope.full_any:
        return replies.MAILBOX_FULL  # A permanent reply would tell some senders to give up.
    return replies.NO_RECIPIENTS if talk.envelope.refused_any else replies.SAY_RCPT_FIRST


VERBS: Mapping[bytes, Verb] = {
    b"HELO": helo,
    b"EHLO": ehlo,
    b"MAIL": mail,
    b"RCPT": rcpt,
    b"DATA": data,
    b"BDAT": bdat,
    b"RSET": rset,
    b"NOOP": noop,
    b"QUIT": quit_,
    b"VRFY": vrfy,
    b"HELP": help_,
    b"STARTTLS": starttls,
    b"EXPN": expn,
    b"AUTH": auth,
}
_HELP = replies.help_with([name.decode() for name, verb in VERBS.items() if verb not in (expn, auth)])
