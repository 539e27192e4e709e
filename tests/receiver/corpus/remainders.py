"""Why a mail is not shown as mailparser or postal-mime show it, by its file's name."""

from __future__ import annotations

_NO_BOUNDARY = "the header names no boundary or a wrong one: they show nothing, ours finds the parts"
_UNLABELLED = "octets beyond ASCII without a charset: they show U+FFFD, ours decodes them as windows-1252"

WHY = {
    "msg_14.txt": "Content-Type: text means text/plain (RFC 2045 section 5.2): they list a file",
    "msg_17.txt": _NO_BOUNDARY,
    "msg_25.txt": _NO_BOUNDARY,
    "msg_31.txt": _NO_BOUNDARY,
    "msg_37.txt": "only text/x-one and the like: they list files without names, ours also shows the texts",
    "msg_38.txt": "a part without any header field: they take its text for a header, ours shows it",
    "msg_41.txt": _NO_BOUNDARY,
    "message_with_single_byte_extended_subject_encoding.eml": "a subject of raw octets in a charset that the "
    "message names wrongly (iso-8859-1 for windows-1251): they show U+FFFD, ours reads it as it is named",
    "simple_25.txt": _UNLABELLED,
    "sina_01.txt": _UNLABELLED,
    "mail_malformed_3": _NO_BOUNDARY,
    "mail_test_12": "named gb2312, and UTF-8: they show wrong characters, ours reads the UTF-8",
    "mail_test_14": "they show the <title> of an HTML page as text, which no browser does",
    "ascii_in_utf7.eml": "UTF-7: they show its escapes (+AD4), ours decodes them (>)",
    "fix3.eml": _NO_BOUNDARY,
    # In the sample:
    "bom-before-first-field.eml": "they lose the first field behind a byte order mark",
    "html-of-many-kinds.eml": "they show text that display: none hides",
    "html-table-cells.eml": "they run the cells of a table together",
    "multipart-without-boundary.eml": _NO_BOUNDARY,
    "names-of-files.eml": "an unquoted report (1).pdf: they leave the (1) out as a comment",
    "raw-8bit-subject.eml": "a raw subject in the charset that the message names: they show U+FFFD",
    "utf-8-labelled-gb2312.eml": "named gb2312, and UTF-8: they show wrong characters, ours reads the UTF-8",
    "uuencoded.eml": "they do not list a file that uuencode put into a text",
}
