#include "reply.h"

#include "failure.h"

#include <stdlib.h>
#include <string.h>

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Heads */

static void begin_message(struct Reply *reply, const struct Deck *deck)
{
    if (reply->in_message != (reply->head.opcode == OPCODE_CONTINUATION))
        fail("a message begins inside another, or continues none");
    if (reply->in_message)
        return;
    if (reply->head.opcode != deck->opcode)
        fail("a reply has opcode %d, expected %d", reply->head.opcode, deck->opcode);
    reply->in_message = true;
    reply->is_compressed = reply->head.compressed;
    reply->length = 0;
}

static void begin_frame(struct Reply *reply, const struct Deck *deck)
{
    if (reply->head.masked)
        fail("the server masks its frames");
    reply->in_frame = true;
    reply->head_length = 0;
    reply->left = reply->head.length;
    reply->control_length = 0;
    if (!opcode_is_control(reply->head.opcode))
        begin_message(reply, deck);
    else if (reply->left > FRAME_CONTROL_MAX_BYTES)
        fail("a control frame has %lu bytes", (unsigned long)reply->left);
}

/* Return the bytes used; the frame has begun when its head was complete. */
static size_t feed_head(struct Reply *reply, const struct Deck *deck, const uint8_t *bytes,
                        size_t length)
{
    if (reply->head_length == 0 && frame_parse(bytes, length, &reply->head) != 0) {
        begin_frame(reply, deck);
        return reply->head.size;
    }
    reply->head_bytes[reply->head_length++] = *bytes;
    if (frame_parse(reply->head_bytes, reply->head_length, &reply->head) != 0)
        begin_frame(reply, deck);
    return 1;
}

/* Payloads */

static void check(const struct Reply *reply, const struct Deck *deck, size_t at,
                  const uint8_t *bytes, size_t length)
{
    if (at + length > deck->message_bytes) {
        fail("reply %lu is longer than %zu bytes", (unsigned long)reply->number,
             deck->message_bytes);
    }
    if (memcmp(deck_card(deck, reply->number)->payload + at, bytes, length) != 0)
        fail("reply %lu differs from what was sent", (unsigned long)reply->number);
}

static void feed_payload(struct Reply *reply, const struct Deck *deck, const uint8_t *bytes,
                         size_t length)
{
    reply->left -= length;
    if (opcode_is_control(reply->head.opcode)) {
        memcpy(reply->control + reply->control_length, bytes, length);
        reply->control_length += (uint8_t)length;
        return;
    }
    if (reply->is_compressed) {
        reply->compressed = grown(reply->compressed, reply->length + length);
        memcpy(reply->compressed + reply->length, bytes, length);
    } else {
        check(reply, deck, reply->length, bytes, length);
    }
    reply->length += length;
}

static size_t inflate_reply(struct Reply *reply, uint8_t *message, size_t room)
{
    if (reply->inflater == NULL)
        reply->inflater = inflater_make();
    else if (!reply->keeps_context)
        inflater_reset(reply->inflater);
    return inflater_message(reply->inflater, reply->compressed, reply->length, message, room);
}

static void end_message(struct Reply *reply, const struct Deck *deck)
{
    size_t length = reply->length;
    if (reply->is_compressed) {
        static uint8_t *message;
        message = grown(message, deck->message_bytes + 1);
        length = inflate_reply(reply, message, deck->message_bytes + 1);
        check(reply, deck, 0, message, length);
    }
    if (length != deck->message_bytes) {
        fail("reply %lu has %zu bytes, expected %zu", (unsigned long)reply->number, length,
             deck->message_bytes);
    }
    reply->in_message = false;
    reply->number++;
}

static void end_frame(struct Reply *reply, const struct Deck *deck, struct Arrived *arrived)
{
    reply->in_frame = false;
    if (opcode_is_control(reply->head.opcode)) {
        arrived->control = reply->head.opcode;
    } else if (reply->head.fin) {
        end_message(reply, deck);
        arrived->messages++;
    }
}

size_t reply_feed(struct Reply *reply, const struct Deck *deck, const uint8_t *bytes, size_t length,
                  struct Arrived *arrived)
{
    size_t used = 0;
    *arrived = (struct Arrived){0};
    while (used < length && arrived->control == 0) {
        if (!reply->in_frame)
            used += feed_head(reply, deck, bytes + used, length - used);
        if (reply->in_frame) {
            size_t piece = least(reply->left, length - used);
            feed_payload(reply, deck, bytes + used, piece);
            used += piece;
            if (reply->left == 0)
                end_frame(reply, deck, arrived);
        }
    }
    return used;
}

void reply_free(struct Reply *reply)
{
    free(reply->compressed);
    inflater_free(reply->inflater);
    reply->compressed = NULL;
    reply->inflater = NULL;
}
