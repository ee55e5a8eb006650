/* The replies of one connection, checked byte by byte while they arrive. */
#ifndef LOAD_REPLY_H
#define LOAD_REPLY_H

#include "deck.h"
#include "deflate.h"
#include "frame.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct Reply {
    uint64_t number; /* messages that have arrived; the next must be this one of the deck */
    uint64_t left;   /* payload bytes still to come of the frame under way */
    size_t length;   /* bytes of the message so far, compressed ones as they are */
    struct FrameHead head;
    uint8_t head_bytes[FRAME_HEAD_MAX_BYTES];
    uint8_t head_length; /* of an incomplete head */
    uint8_t control_length;
    bool in_frame, in_message, is_compressed;
    uint8_t control[FRAME_CONTROL_MAX_BYTES];
    bool keeps_context;        /* the server refers to messages before */
    uint8_t *compressed;       /* owned: a compressed message so far */
    struct Inflater *inflater; /* owned, NULL before the first compressed message */
};

struct Arrived {
    unsigned messages;
    uint8_t control; /* opcode of a control frame whose payload is in the reply, or 0 */
};

/* Take bytes in; stop behind a control frame. Return how many were used. */
size_t reply_feed(struct Reply *reply, const struct Deck *deck, const uint8_t *bytes, size_t length,
                  struct Arrived *arrived);

/* Free what it owns. */
void reply_free(struct Reply *reply);

#endif
