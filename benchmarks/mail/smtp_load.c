/* A load over SMTP, as Postfix's smtp-source(1) puts it, and over STARTTLS too: for `python -m benchmarks.mail`.

   smtp_load [-d] [-t] [-H] -s SESSIONS -m MESSAGES -l OCTETS -f SENDER -r RECIPIENT PORT
   smtp_load [-d] [-t] -s SESSIONS -m MESSAGES -p HEADS -b BODY -a ADDRESS -r RECIPIENT PORT

   SESSIONS connections to 127.0.0.1 run at the same time. Each sends a message and ends, and another takes its
   place. With -d each sends one message after the other. Each command waits for its reply. With -t each
   connection does STARTTLS with TLS 1.3 and a full handshake. With -H it does so, holds all SESSIONS open
   until its input ends, and sends nothing. A reply other than the expected one ends the program with 1.

   With -p it sends prepared messages. HEADS has, for each message, a line with the reverse-path, the header
   fields and an empty line. BODY is the body of all of them: lines in CRLF, none of which begins with a dot.
   Session number N connects from ADDRESS + N. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum step { GREETING, HELLO, STARTTLS, HANDSHAKE, MAIL, RCPT, DATA, CONTENT, QUIT, HELD };

struct session {
    int fd;
    SSL *tls;
    enum step step;
    bool secured;
    const char *out; /* what is still to be written */
    size_t left;
    char command[512], reply[4096], *content;
    const char *head; /* the prepared one that is sent */
    size_t head_length;
    size_t length; /* of the reply so far */
    unsigned watched;
};

static bool kept, tls, hold;
static int sessions = 1, messages = 1, octets = 4096, port, poller, unsent, held, running, started;
static struct session *all;
static const char *sender = "", *recipient = "", *heads, *heads_end;
static in_addr_t from;
static char *body;
static size_t body_length;
static SSL_CTX *context;

static void handle(struct session *session);

static void watch(struct session *session, unsigned events) {
    if (session->watched == events)
        return;
    struct epoll_event event = {.events = events, .data.ptr = session};
    if (epoll_ctl(poller, session->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, session->fd, &event))
        err(1, "epoll_ctl");
    session->watched = events;
}

static void start(struct session *session) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1;
    session->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (session->fd < 0)
        err(1, "socket");
    setsockopt(session->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (from) {
        struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(from + (in_addr_t)(session - all))};
        setsockopt(session->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
        if (bind(session->fd, (struct sockaddr *)&own, sizeof own))
            err(1, "bind");
    }
    if (connect(session->fd, (struct sockaddr *)&to, sizeof to) && errno != EINPROGRESS)
        err(1, "connect");
    session->step = GREETING;
    session->secured = false;
    session->length = session->left = 0;
    session->watched = 0;
    running++;
    watch(session, EPOLLIN);
}

static void finish(struct session *session) {
    if (session->tls)
        SSL_free(session->tls);
    session->tls = NULL;
    close(session->fd);
    session->fd = -1;
    session->secured = false;
    running--;
    if (unsent > 0) {
        unsent--;
        start(session);
    }
}

/* How many octets were moved, 0 if it must wait, -1 at the end of the connection. */
static ssize_t moved(struct session *session, ssize_t got, unsigned wanted) {
    if (got > 0)
        return got;
    if (session->tls && session->secured) {
        int why = SSL_get_error(session->tls, (int)got);
        if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) {
            watch(session, why == SSL_ERROR_WANT_READ ? EPOLLIN : EPOLLOUT);
            return 0;
        }
        return -1;
    }
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        watch(session, wanted);
        return 0;
    }
    return -1;
}

static void flush(struct session *session) {
    while (session->left) {
        ssize_t got = session->secured ? SSL_write(session->tls, session->out, (int)session->left)
                                       : write(session->fd, session->out, session->left);
        got = moved(session, got, EPOLLOUT);
        if (got < 0)
            errx(1, "the connection ended while octets were sent");
        if (!got)
            return;
        session->out += got;
        session->left -= (size_t)got;
    }
    watch(session, EPOLLIN);
}

static void say(struct session *session, enum step step, const char *words, const char *argument) {
    session->left = (size_t)snprintf(session->command, sizeof session->command, words, argument);
    session->out = session->command;
    session->step = step;
    flush(session);
}

/* Begins a message: the next of the prepared ones, or one of the usual sender. */
static void say_mail(struct session *session) {
    char path[256];
    if (!heads) {
        say(session, MAIL, "MAIL FROM:<%s>\r\n", sender);
        return;
    }
    const char *line = memmem(heads, (size_t)(heads_end - heads), "\r\n", 2);
    const char *end = line ? memmem(line + 2, (size_t)(heads_end - line - 2), "\r\n\r\n", 4) : NULL;
    if (!end || (size_t)(line - heads) >= sizeof path)
        errx(1, "there are fewer prepared messages than are to be sent");
    memcpy(path, heads, (size_t)(line - heads));
    path[line - heads] = '\0';
    session->head = line + 2;
    session->head_length = (size_t)(end + 4 - session->head);
    heads = end + 4;
    say(session, MAIL, "MAIL FROM:<%s>\r\n", path);
}

static size_t write_head(char *head, size_t room) {
    static unsigned number;
    char when[64];
    time_t now = time(NULL);
    strftime(when, sizeof when, "%a, %d %b %Y %H:%M:%S +0000", gmtime(&now));
    return (size_t)snprintf(head, room,
        "From: <%s>\r\nTo: <%s>\r\nDate: %s\r\nMessage-Id: <%x.%x@load.test>\r\n\r\n",
        sender, recipient, when, (unsigned)getpid(), number++);
}

static void send_content(struct session *session) {
    char written[512];
    const char *head = session->head ? session->head : written;
    size_t length = session->head ? session->head_length : write_head(written, sizeof written);
    session->content = realloc(session->content, length + body_length);
    if (!session->content)
        err(1, "realloc");
    memcpy(session->content, head, length);
    memcpy(session->content + length, body, body_length);
    session->out = session->content;
    session->left = length + body_length;
    session->step = CONTENT;
    flush(session);
}

static void handshake(struct session *session) {
    int got = SSL_do_handshake(session->tls);
    if (got == 1) {
        session->secured = true;
        say(session, HELLO, "EHLO load.test\r\n", "");
        return;
    }
    int why = SSL_get_error(session->tls, got);
    if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE)
        errx(1, "the TLS handshake failed");
    watch(session, why == SSL_ERROR_WANT_READ ? EPOLLIN : EPOLLOUT);
}

static void replied(struct session *session) {
    if (session->step == HELD)
        errx(1, "a held connection ended: %.200s", session->reply);
    static const char expected[] = {[GREETING] = '2', [HELLO] = '2', [STARTTLS] = '2', [MAIL] = '2', [RCPT] = '2',
                                    [DATA] = '3', [CONTENT] = '2', [QUIT] = '2'};
    if (session->reply[0] != expected[session->step])
        errx(1, "unexpected reply: %.200s", session->reply);
    switch (session->step) {
    case GREETING:
        say(session, HELLO, tls ? "EHLO load.test\r\n" : "HELO load.test\r\n", "");
        break;
    case HELLO:
        if (tls && !session->secured)
            say(session, STARTTLS, "STARTTLS\r\n", "");
        else if (hold) {
            session->step = HELD;
            held++;
            if (started < sessions)
                start(&all[started++]);
        } else
            say_mail(session);
        break;
    case STARTTLS:
        session->tls = SSL_new(context);
        if (!session->tls || !SSL_set_fd(session->tls, session->fd))
            errx(1, "no TLS");
        SSL_set_connect_state(session->tls);
        session->step = HANDSHAKE;
        handshake(session);
        break;
    case MAIL:
        say(session, RCPT, "RCPT TO:<%s>\r\n", recipient);
        break;
    case RCPT:
        say(session, DATA, "DATA\r\n", "");
        break;
    case DATA:
        send_content(session);
        break;
    case CONTENT:
        if (kept && unsent > 0) {
            unsent--;
            say_mail(session);
        } else
            say(session, QUIT, "QUIT\r\n", "");
        break;
    default:
        finish(session);
    }
}

/* Whether the reply is whole: its last line has a space behind its code. */
static bool is_whole(struct session *session) {
    if (session->length < 5 || session->reply[session->length - 1] != '\n')
        return false;
    char *line = memrchr(session->reply, '\n', session->length - 1);
    line = line ? line + 1 : session->reply;
    return line[3] == ' ';
}

static void handle(struct session *session) {
    if (session->step == HANDSHAKE) {
        handshake(session);
        return;
    }
    if (session->left) {
        flush(session);
        return;
    }
    for (;;) {
        size_t room = sizeof session->reply - 1 - session->length;
        if (!room)
            errx(1, "a reply is too long");
        char *into = session->reply + session->length;
        ssize_t got = session->secured ? SSL_read(session->tls, into, (int)room) : read(session->fd, into, room);
        got = moved(session, got, EPOLLIN);
        if (!got)
            return;
        if (got < 0) {
            if (session->step == QUIT) {
                finish(session);
                return;
            }
            errx(1, "the connection ended before a reply");
        }
        session->length += (size_t)got;
        session->reply[session->length] = '\0';
        if (is_whole(session)) {
            int fd = session->fd;
            session->length = 0;
            replied(session);
            /* An octet that TLS holds already wakes nobody, so the loop reads on. */
            if (session->fd != fd || !session->secured || session->left || session->step == HANDSHAKE)
                return;
        }
    }
}

static void make_body(void) {
    body_length = 0;
    body = malloc((size_t)octets + 256);
    if (!body)
        err(1, "malloc");
    while (body_length < (size_t)octets) {
        size_t line = (size_t)octets - body_length < 78 ? (size_t)octets - body_length : 78;
        memset(body + body_length, 'X', line);
        memcpy(body + body_length + line, "\r\n", 2);
        body_length += line + 2;
    }
    memcpy(body + body_length, ".\r\n", 3);
    body_length += 3;
}

/* The octets of a file, and where they end. */
static const char *mapped(const char *path, const char **end) {
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status))
        err(1, "%s", path);
    char *found = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (found == MAP_FAILED)
        err(1, "%s", path);
    close(fd);
    *end = found + status.st_size;
    return found;
}

static void read_body(const char *path) {
    const char *end, *found = mapped(path, &end);
    body_length = (size_t)(end - found) + 3;
    body = malloc(body_length);
    if (!body)
        err(1, "malloc");
    memcpy(body, found, body_length - 3);
    memcpy(body + body_length - 3, ".\r\n", 3);
}

int main(int count, char **words) {
    const char *prepared = NULL, *common = NULL;
    for (int option; (option = getopt(count, words, "dtHs:m:l:f:r:p:b:a:")) != -1;) {
        switch (option) {
        case 'd': kept = true; break;
        case 't': tls = true; break;
        case 'H': tls = hold = true; break;
        case 's': sessions = atoi(optarg); break;
        case 'm': messages = atoi(optarg); break;
        case 'l': octets = atoi(optarg); break;
        case 'f': sender = optarg; break;
        case 'r': recipient = optarg; break;
        case 'p': prepared = optarg; break;
        case 'b': common = optarg; break;
        case 'a': from = ntohl(inet_addr(optarg)); break;
        default: return 2;
        }
    }
    if (optind + 1 != count || (port = atoi(words[optind])) <= 0 || sessions < 1 || messages < 1 || octets < 1
        || !prepared != !common)
        errx(2, "usage: smtp_load [-d] [-t] [-H] -s SESSIONS -m MESSAGES -l OCTETS -f SENDER -r RECIPIENT PORT");
    if (tls) {
        context = SSL_CTX_new(TLS_client_method());
        if (!context || !SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION))
            errx(1, "no TLS 1.3");
        SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
        SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    }
    if (prepared) {
        heads = mapped(prepared, &heads_end);
        read_body(common);
    } else
        make_body();
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (!hold && sessions > messages)
        sessions = messages;
    unsent = hold ? 0 : messages - sessions;
    all = calloc((size_t)sessions, sizeof *all);
    if (!all || poller < 0)
        err(1, "start");
    /* Those that are to be held come a few at a time, so that no queue of the kernel drops one. */
    while (started < sessions && !(hold && started == 50))
        start(&all[started++]);
    struct epoll_event ready[256];
    while (running && !(hold && held == sessions)) {
        int number = epoll_wait(poller, ready, 256, 60000);
        if (!number)
            errx(1, "no answer for 60 s");
        for (int each = 0; each < number; each++)
            handle(ready[each].data.ptr);
    }
    if (hold) {
        puts("held");
        fflush(stdout);
        while (getchar() != EOF)
            ;
    }
    return 0;
}
