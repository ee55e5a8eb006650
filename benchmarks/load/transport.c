#include "transport.h"

#include "failure.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    FIRST_SOURCE = 0x7F000101, /* 127.0.1.1: the whole of 127.0.0.0/8 is this machine */
    SOURCES = 64,
};

static struct sockaddr_in destination;
static SSL_CTX *context;

/* Setting up */

static void setup_tls(const char *authority)
{
    context = SSL_CTX_new(TLS_client_method());
    if (context == NULL || SSL_CTX_load_verify_locations(context, authority, NULL) != 1)
        fail("cannot read the certificate authority %s", authority);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    /* Some servers leave without a word of TLS; the Close frame has been checked by then. */
    SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

void transport_setup(const struct Options *options)
{
    destination = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(options->port)};
    if (inet_pton(AF_INET, options->host, &destination.sin_addr) != 1)
        fail("not an IPv4 address: %s", options->host);
    if (options->authority != NULL)
        setup_tls(options->authority);
}

/* Connecting */

static void bind_source(int socket)
{
    static unsigned turn;
    int yes = 1;
    struct sockaddr_in source = {.sin_family = AF_INET};
    source.sin_addr.s_addr = htonl(FIRST_SOURCE + turn++ % SOURCES);
    /* The port is chosen when the destination is known, so that all of them can be used. */
    setsockopt(socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
    if (bind(socket, (struct sockaddr *)&source, sizeof source) != 0)
        fail_errno("bind");
}

void transport_open(struct Transport *transport)
{
    int yes = 1;
    transport->socket = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (transport->socket < 0)
        fail_errno("socket");
    setsockopt(transport->socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    bind_source(transport->socket);
    if (connect(transport->socket, (struct sockaddr *)&destination, sizeof destination) != 0 &&
        errno != EINPROGRESS) {
        fail_errno("connect");
    }
    transport->tls = NULL;
    if (context != NULL) {
        transport->tls = SSL_new(context);
        SSL_set_fd(transport->tls, transport->socket);
        SSL_set_connect_state(transport->tls);
    }
}

/* Moving bytes */

static enum Progress tls_progress(SSL *tls, int result)
{
    switch (SSL_get_error(tls, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: return WOULD_BLOCK;
    case SSL_ERROR_ZERO_RETURN: return ENDED;
    case SSL_ERROR_SYSCALL: return ENDED;
    default: fail("TLS: %s", ERR_error_string(ERR_get_error(), NULL));
    }
}

static enum Progress plain_progress(ssize_t moved, const char *what)
{
    if (moved > 0)
        return DONE;
    if (moved < 0 && errno != EAGAIN && errno != ECONNRESET && errno != EPIPE)
        fail_errno(what);
    return moved < 0 && errno == EAGAIN ? WOULD_BLOCK : ENDED;
}

enum Progress transport_send(struct Transport *transport, const uint8_t *bytes, size_t *length)
{
    if (transport->tls != NULL) {
        ERR_clear_error();
        int done = SSL_write_ex(transport->tls, bytes, *length, length);
        return done ? DONE : tls_progress(transport->tls, done);
    }
    ssize_t sent = send(transport->socket, bytes, *length, MSG_NOSIGNAL);
    *length = sent > 0 ? (size_t)sent : 0;
    return plain_progress(sent, "send");
}

enum Progress transport_receive(struct Transport *transport, uint8_t *bytes, size_t *length)
{
    if (transport->tls != NULL) {
        ERR_clear_error();
        int done = SSL_read_ex(transport->tls, bytes, *length, length);
        return done ? DONE : tls_progress(transport->tls, done);
    }
    ssize_t received = recv(transport->socket, bytes, *length, 0);
    *length = received > 0 ? (size_t)received : 0;
    return plain_progress(received, "recv");
}

void transport_close(struct Transport *transport)
{
    SSL_free(transport->tls);
    close(transport->socket);
    transport->socket = -1;
    transport->tls = NULL;
}
