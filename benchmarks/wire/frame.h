/* The head of a frame, RFC 6455 section 5.2: parse and encode. Load and limit server share it. */
#ifndef WIRE_FRAME_H
#define WIRE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum Opcode {
    OPCODE_CONTINUATION = 0x0,
    OPCODE_TEXT = 0x1,
    OPCODE_BINARY = 0x2,
    OPCODE_CLOSE = 0x8,
    OPCODE_PING = 0x9,
    OPCODE_PONG = 0xA,
};

enum {
    FRAME_HEAD_MAX_BYTES = 14,
    FRAME_KEY_BYTES = 4,
    FRAME_CONTROL_MAX_BYTES = 125,
};

struct FrameHead {
    uint64_t length; /* of the payload, in bytes */
    uint32_t key;    /* as it stands in memory; 0 when not masked */
    uint8_t opcode;
    uint8_t size; /* of the head itself, in bytes */
    bool fin;
    bool compressed; /* RSV1, RFC 7692 */
    bool masked;
};

/* Return the size of the head in bytes, or 0 when more bytes are needed. */
unsigned frame_parse(const uint8_t *bytes, size_t available, struct FrameHead *head);

/* Write the head to `out`, which has room for FRAME_HEAD_MAX_BYTES; return its size in bytes. */
unsigned frame_encode(uint8_t *out, const struct FrameHead *head);

static inline bool opcode_is_control(uint8_t opcode)
{
    return opcode >= OPCODE_CLOSE;
}

#endif
