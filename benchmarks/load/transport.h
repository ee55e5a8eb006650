/* A TCP connection, in the clear or over TLS; never blocks. */
#ifndef LOAD_TRANSPORT_H
#define LOAD_TRANSPORT_H

#include "options.h"

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct Transport {
    int socket;
    SSL *tls; /* NULL in the clear */
};

enum Progress { DONE, WOULD_BLOCK, ENDED };

/* Prepare what all transports of a run share. */
void transport_setup(const struct Options *options);

/* Begin to connect. Source addresses take turns, for one has fewer than 65,536 ports. */
void transport_open(struct Transport *transport);

/* Send some bytes; `*length` becomes how many. */
enum Progress transport_send(struct Transport *transport, const uint8_t *bytes, size_t *length);

/* Receive some bytes; `*length` is the room, and becomes how many. */
enum Progress transport_receive(struct Transport *transport, uint8_t *bytes, size_t *length);

void transport_close(struct Transport *transport);

#endif
