/* Request heads that open a WebSocket and hold nothing unusual (RFC 9112, RFC 6455 §4.2.1). */
#ifndef TRUNKLINE_HEAD_H
#define TRUNKLINE_HEAD_H

#include <stddef.h>
#include <stdint.h>

/* Heads with more fields are left to protocol/http1.py. */
#define TL_MAX_FIELDS 64

/* The fields that decide whether and how a connection opens. */
typedef enum {
    TL_HOST,
    TL_UPGRADE,
    TL_CONNECTION,
    TL_VERSION,
    TL_KEY,
    TL_ORIGIN,
    TL_PROTOCOL,
    TL_EXTENSIONS,
    TL_BODY, /* Content-Length, Transfer-Encoding: never plain */
    TL_KNOWN
} tl_known;

/* Bytes of the head. */
typedef struct {
    uint32_t start;
    uint32_t size;
} tl_span;

typedef struct {
    tl_span name;
    tl_span value;
} tl_field;

/* Bytes and numbers; what is larger is not plain. */
typedef struct {
    uint32_t max_head;   /* without the empty line */
    uint32_t max_line;   /* the request line */
    uint32_t max_fields;
} tl_head_limits;

typedef struct {
    uint32_t size; /* with the empty line */
    uint32_t count;
    tl_span target;
    const tl_field *known[TL_KNOWN]; /* into `fields`; NULL where there is none */
    tl_field fields[TL_MAX_FIELDS];
} tl_head;

/* Read the request that begins at `data`. 1: it is plain, and `head` is filled; 0: it is not whole,
 * not right or not usual, and protocol/http1.py says which.
 *
 * Plain is what protocol/http1.py and handshake.py accept whatever Host, Origin, subprotocols and
 * extensions say, and what `Request.serialize()` would give again, byte for byte: a space behind
 * each colon, no other white space around a value, every known field once at most. */
int tl_read_head(tl_head *head, const uint8_t *data, size_t size, const tl_head_limits *limits);

#endif
