/* The messages of a run, made before it begins: all different, in the order they are sent.
 *
 * Message `n` is card `n % cards`. The frames lie one behind the other, the first `depth` of them
 * once more at the end, so that up to `depth` messages in a row are one piece of memory. */
#ifndef LOAD_DECK_H
#define LOAD_DECK_H

#include "options.h"

#include <stddef.h>
#include <stdint.h>

struct Card {
    const uint8_t *payload; /* what the reply must say, uncompressed */
    size_t frame_at;        /* where its frame begins in `frames` */
    size_t frame_bytes;
};

struct Deck {
    struct Card *cards;
    uint8_t *frames; /* masked, compressed if asked for */
    uint8_t *payloads;
    size_t message_bytes;
    unsigned count;
    uint8_t opcode;
};

void deck_make(struct Deck *deck, const struct Options *options);

static inline const struct Card *deck_card(const struct Deck *deck, uint64_t message)
{
    return &deck->cards[message % deck->count];
}

#endif
