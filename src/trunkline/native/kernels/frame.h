/* Frame headers (RFC 6455 §5.2): bytes to facts, and back. */
#ifndef TRUNKLINE_FRAME_H
#define TRUNKLINE_FRAME_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* First byte */
#define TL_FIN 0x80
#define TL_RSV1 0x40
#define TL_OPCODE 0x0F
#define TL_CONTROL 0x08
#define TL_WHOLE_TEXT 0x81
#define TL_WHOLE_BINARY 0x82

/* Second byte */
#define TL_MASK 0x80
#define TL_SHORT_LENGTH 125 /* the longest payload whose length stands here */

/* Bytes of a masked header with a short length. */
#define TL_SHORT_HEADER 6

/* The longest header, and the longest control frame with its header, that are not wrong. */
#define TL_MAX_HEADER 14
#define TL_MAX_CONTROL 131

typedef enum {
    TL_HEADER_COMPLETE,
    TL_HEADER_INCOMPLETE, /* so far nothing is wrong; `needed` bytes are needed to say more */
    TL_HEADER_WRONG       /* a rule is broken; protocol/frames.py says which */
} tl_header_state;

typedef struct {
    uint8_t first;   /* FIN, RSV1 and the opcode, as they stand in the first byte */
    uint8_t key[4];  /* the masking key; zeroes where the frame has none */
    uint8_t needed;  /* bytes from the start of the frame, see tl_header_state */
    uint8_t size;    /* bytes of the header */
    uint64_t length; /* bytes of the payload, 2^63 - 1 at most */
} tl_frame;

/* Judge the frame header that begins at `data`, as early as protocol/frames.py does.
 *
 * `size` bytes are there. `is_masked` says whether this side's peer has to mask. `frame` is filled
 * when the header is complete; before, only `needed` holds. */
tl_header_state tl_parse_any_header(tl_frame *frame, const uint8_t *data, size_t size,
                                    int is_masked);

/* The same, quickly where a short message from a client begins, whole. */
static inline tl_header_state tl_parse_header(tl_frame *frame, const uint8_t *data, size_t size,
                                              int is_masked)
{
    uint8_t length;

    if (size < TL_SHORT_HEADER || !is_masked)
        return tl_parse_any_header(frame, data, size, is_masked);
    length = data[1] ^ TL_MASK;
    if ((data[0] != TL_WHOLE_TEXT && data[0] != TL_WHOLE_BINARY) || length > TL_SHORT_LENGTH)
        return tl_parse_any_header(frame, data, size, is_masked);
    frame->first = data[0];
    memcpy(frame->key, data + 2, sizeof frame->key);
    frame->size = TL_SHORT_HEADER;
    frame->length = length;
    return TL_HEADER_COMPLETE;
}

/* Give the bytes of the header in front of `length` bytes of payload. */
size_t tl_header_size(uint64_t length, int is_masked);

/* Write a header to `target`, which has room for TL_MAX_HEADER bytes; give its size.
 *
 * `key` holds the four bytes of the masking key, or is NULL where the frame is not masked. */
size_t tl_encode_any_header(uint8_t *target, uint8_t first, uint64_t length, const uint8_t *key);

/* The same, quickly in front of a short payload that is not masked. */
static inline size_t tl_encode_header(uint8_t *target, uint8_t first, uint64_t length,
                                      const uint8_t *key)
{
    if (length > TL_SHORT_LENGTH || key)
        return tl_encode_any_header(target, first, length, key);
    target[0] = first;
    target[1] = (uint8_t)length;
    return 2;
}

#endif
