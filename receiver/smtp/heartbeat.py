"""The recipient of a test message of this host's heartbeat. Its mailbox is none that a person or a hook has.

The message is neither checked nor filtered, because that would ask DNS and the spam filter every few minutes
about a sender that is the host itself. So three things must hold, or the address is one like any other:

- its local part is a one-time name, and `letterbox heartbeat-look` waits for it on this host right now;
- the peer is the host itself;
- it is the message's only recipient. No message to anybody else can be brought past the checks with it.
"""

from __future__ import annotations

from receiver import one_time
from receiver.addresses import Address
from receiver.mailbox import Mailbox
from receiver.recipients import Destination
from receiver.smtp import replies
from receiver.smtp.conversation import Conversation
from receiver.smtp.replies import Reply
from receiver.smtp.transaction.trace import peer_address


def add_recipient(talk: Conversation, address: Address) -> tuple[bool, Reply | None]:
    """Add the recipient to the envelope if it is the heartbeat's.

    Returns whether this settles the recipient, and the reply that refuses it if it is refused.
    """
    envelope, local = talk.envelope, address.local.lower()
    if envelope.is_heartbeat:
        return True, replies.HEARTBEAT_ALONE
    if not one_time.is_heartbeat(local) or not _is_from_here(talk):
        return False, None
    domain, folder = talk.reception.directory.served(address), talk.reception.config.heartbeat
    if domain is None or not one_time.tell(folder, local, domain.name, "recipient", peer=talk.wire.peer):
        return False, None
    if envelope.rcpt_tos:
        return True, replies.HEARTBEAT_ALONE
    envelope.is_heartbeat = True
    envelope.rcpt_tos.append(str(address))
    mailbox = Mailbox(domain.name, one_time.HEARTBEAT_MAILBOX)
    envelope.destinations[mailbox] = Destination(mailbox, f"{local}@{domain.name}")
    return True, None


def _is_from_here(talk: Conversation) -> bool:
    """Whether the peer is this host: its address is the one of ours that it has connected to.

    The kernel drops packets from outside whose source is an address of the host.
    """
    transport, peer = talk.wire.outgoing.transport, talk.wire.peer
    return transport is not None and peer != "" and peer_address(transport.get_extra_info("sockname")) == peer
