#include "deck.h"

#include "deflate.h"
#include "failure.h"
#include "frame.h"
#include "mask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MOST_CARDS = 256,
    LEAST_CARDS = 3, /* so that a lost or a repeated message shows */
    DECK_BYTES = 8 * 1024 * 1024,
    LINE_BYTES = 128,
};

static unsigned choose_count(const struct Options *options)
{
    size_t fitting = DECK_BYTES / options->bytes;
    return fitting > MOST_CARDS    ? MOST_CARDS
           : fitting < LEAST_CARDS ? LEAST_CARDS
                                   : (unsigned)fitting;
}

/* Payloads */

static uint32_t random_bits(void)
{
    static uint64_t state = 0x9E3779B97F4A7C15; /* the same messages in every run */
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32);
}

static void fill_binary(uint8_t *payload, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        payload[i] = (uint8_t)random_bits();
}

/* Like an update of a price as JSON: it shrinks to about a third. */
static void fill_text(uint8_t *payload, size_t bytes)
{
    char line[LINE_BYTES];
    for (size_t filled = 0; filled < bytes;) {
        int length =
            snprintf(line, sizeof line,
                     "{\"symbol\":\"TRNK%u\",\"bid\":%u.%02u,\"ask\":%u.%02u,\"size\":%u},",
                     random_bits() % 50, random_bits() % 900 + 100, random_bits() % 100,
                     random_bits() % 900 + 100, random_bits() % 100, random_bits() % 5000);
        size_t piece = (size_t)length < bytes - filled ? (size_t)length : bytes - filled;
        memcpy(payload + filled, line, piece);
        filled += piece;
    }
}

static void make_payloads(struct Deck *deck, const struct Options *options)
{
    deck->payloads = grown(NULL, deck->count * options->bytes);
    for (unsigned i = 0; i < deck->count; i++) {
        uint8_t *payload = deck->payloads + i * options->bytes;
        (options->is_text ? fill_text : fill_binary)(payload, options->bytes);
        deck->cards[i].payload = payload;
    }
}

/* Frames */

static size_t write_frame(uint8_t *out, const struct Deck *deck, const struct Card *card,
                          const struct Options *options)
{
    const uint8_t *payload = card->payload;
    size_t length = deck->message_bytes;
    if (options->is_compressed)
        length = deflate_message(card->payload, deck->message_bytes, &payload);
    struct FrameHead head = {.fin = true,
                             .masked = true,
                             .compressed = options->is_compressed,
                             .opcode = deck->opcode,
                             .key = random_bits(),
                             .length = length};
    unsigned size = frame_encode(out, &head);
    mask_copy(out + size, payload, length, head.key);
    return size + length;
}

static void make_frames(struct Deck *deck, const struct Options *options)
{
    size_t room = FRAME_HEAD_MAX_BYTES + deflate_bound(deck->message_bytes);
    size_t end = 0;
    deck->frames = grown(NULL, (deck->count + options->depth) * room);
    for (unsigned i = 0; i < deck->count; i++) {
        struct Card *card = &deck->cards[i];
        card->frame_at = end;
        card->frame_bytes = write_frame(deck->frames + end, deck, card, options);
        end += card->frame_bytes;
    }
    for (uint64_t i = 0; i < options->depth; i++) {
        const struct Card *card = deck_card(deck, i);
        memcpy(deck->frames + end, deck->frames + card->frame_at, card->frame_bytes);
        end += card->frame_bytes;
    }
}

void deck_make(struct Deck *deck, const struct Options *options)
{
    deck->count = choose_count(options);
    deck->message_bytes = options->bytes;
    deck->opcode = options->is_text ? OPCODE_TEXT : OPCODE_BINARY;
    deck->cards = zeroed(deck->count, sizeof *deck->cards);
    make_payloads(deck, options);
    make_frames(deck, options);
}
