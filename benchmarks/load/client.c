#include "client.h"

#include "failure.h"
#include "frame.h"
#include "load.h"
#include "mask.h"
#include "opening.h"
#include "stopwatch.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

enum { READ_BYTES = 256 * 1024 };

/* Opening */

void client_open(struct Load *load, struct Client *client, const char *path, uint32_t first)
{
    uint64_t *queued_at = client->queued_at;
    uint8_t *control = client->control ? client->control : grown(NULL, CONTROL_ROOM_BYTES);
    *client = (struct Client){.phase = OPENING, .queued_at = queued_at, .control = control};
    client->queued = client->sent = client->reply.number = first;
    client->opened_at = now_ns();
    client->control_length =
        opening_request(client->control, CONTROL_ROOM_BYTES, path, &load->options);
    transport_open(&client->transport);
    client->is_waiting_for_room = true;
    load->opening++;
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.ptr = client};
    if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, client->transport.socket, &event) != 0)
        fail_errno("epoll_ctl");
}

/* Take the answer in, in as many pieces as it comes; return how many of these bytes belong to it.
 */
static size_t receive_answer(struct Load *load, struct Client *client, const uint8_t *bytes,
                             size_t length)
{
    size_t before = client->answer_length;
    if (before + length > CONTROL_ROOM_BYTES)
        fail("the answer has more than %d bytes", CONTROL_ROOM_BYTES);
    memcpy(client->control + before, bytes, length);
    client->answer_length += length;
    size_t answer = opening_check(client->control, client->answer_length, &load->options,
                                  &client->reply.keeps_context);
    if (answer == 0)
        return length;
    client->control_length = client->control_sent = 0;
    client->phase = OPEN;
    load->opening--;
    load->open++;
    load->on_open(load, client);
    return answer - before;
}

/* Sending */

static void await_room(struct Load *load, struct Client *client, bool is_waiting)
{
    if (client->is_waiting_for_room == is_waiting)
        return;
    client->is_waiting_for_room = is_waiting;
    struct epoll_event event = {.events = EPOLLIN | (is_waiting ? EPOLLOUT : 0),
                                .data.ptr = client};
    epoll_ctl(load->epoll, EPOLL_CTL_MOD, client->transport.socket, &event);
}

static bool control_is_next(const struct Client *client)
{
    return client->control_sent < client->control_length && client->sent_bytes == 0;
}

/* Return the bytes to send next, in `*length`; NULL when there are none. */
static const uint8_t *next_bytes(const struct Load *load, const struct Client *client,
                                 size_t *length)
{
    if (control_is_next(client)) {
        *length = client->control_length - client->control_sent;
        return client->control + client->control_sent;
    }
    if (client->sent == client->queued)
        return NULL;
    const struct Card *card = deck_card(&load->deck, client->sent);
    size_t waiting = 0;
    for (uint64_t message = client->sent; message < client->queued; message++)
        waiting += deck_card(&load->deck, message)->frame_bytes;
    *length = waiting - client->sent_bytes;
    return load->deck.frames + card->frame_at + client->sent_bytes;
}

static void advance(const struct Load *load, struct Client *client, size_t length)
{
    if (control_is_next(client)) {
        client->control_sent += length;
        return;
    }
    client->sent_bytes += length;
    size_t frame_bytes;
    while (client->sent < client->queued &&
           client->sent_bytes >=
               (frame_bytes = deck_card(&load->deck, client->sent)->frame_bytes)) {
        client->sent_bytes -= frame_bytes;
        client->sent++;
    }
}

static void flush(struct Load *load, struct Client *client)
{
    size_t length;
    const uint8_t *bytes;
    while ((bytes = next_bytes(load, client, &length)) != NULL) {
        enum Progress progress = transport_send(&client->transport, bytes, &length);
        if (progress != DONE) {
            await_room(load, client, progress == WOULD_BLOCK);
            return; /* an end shows when it is read */
        }
        advance(load, client, length);
    }
    await_room(load, client, false);
}

void client_queue(struct Load *load, struct Client *client, unsigned messages)
{
    uint64_t now = now_ns();
    for (unsigned i = 0; i < messages; i++)
        client->queued_at[client->queued++ % load->options.depth] = now;
    flush(load, client);
}

static void send_control(struct Load *load, struct Client *client, enum Opcode opcode,
                         const uint8_t *payload, size_t length)
{
    static const uint32_t KEY = 0x5EC0DED5;
    if (client->control_sent == client->control_length)
        client->control_sent = client->control_length = 0;
    if (client->control_length + FRAME_HEAD_MAX_BYTES + length > CONTROL_ROOM_BYTES)
        fail("the server pings faster than it reads");
    struct FrameHead head = {
        .fin = true, .masked = true, .opcode = (uint8_t)opcode, .key = KEY, .length = length};
    uint8_t *out = client->control + client->control_length;
    unsigned size = frame_encode(out, &head);
    mask_copy(out + size, payload, length, KEY);
    client->control_length += size + length;
    flush(load, client);
}

/* Receiving */

static void receive_control(struct Load *load, struct Client *client, uint8_t opcode)
{
    if (opcode == OPCODE_PING) {
        send_control(load, client, OPCODE_PONG, client->reply.control,
                     client->reply.control_length);
    } else if (opcode == OPCODE_CLOSE) {
        if (client->phase != CLOSING)
            fail("the server closes a connection");
        client->has_close_frame = true;
    }
}

static void receive_bytes(struct Load *load, struct Client *client, const uint8_t *bytes,
                          size_t length)
{
    size_t used = client->phase == OPENING ? receive_answer(load, client, bytes, length) : 0;
    if (load->is_measuring) {
        load->received_bytes += length;
        load->reads++;
    }
    while (used < length) {
        struct Arrived arrived;
        used += reply_feed(&client->reply, &load->deck, bytes + used, length - used, &arrived);
        if (arrived.control != 0)
            receive_control(load, client, arrived.control);
        if (arrived.messages > 0)
            load->on_replies(load, client, arrived.messages);
    }
}

static void receive(struct Load *load, struct Client *client)
{
    static uint8_t buffer[READ_BYTES];
    enum Progress progress;
    do {
        size_t length = sizeof buffer;
        progress = transport_receive(&client->transport, buffer, &length);
        if (progress == DONE)
            receive_bytes(load, client, buffer, length);
    } while (progress == DONE && client->transport.tls != NULL);
    if (progress != ENDED)
        return;
    if (!client->has_close_frame)
        fail("the server cut a connection");
    transport_close(&client->transport);
    reply_free(&client->reply);
    client->phase = IDLE;
    load->open--;
    load->on_close(load, client);
}

void client_handle(struct Load *load, struct Client *client, uint32_t events)
{
    if (events & EPOLLOUT)
        flush(load, client);
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        receive(load, client);
}

/* Closing */

void client_close(struct Load *load, struct Client *client)
{
    client->phase = CLOSING;
    static const uint8_t NORMAL_CLOSURE[] = {0x03, 0xE8}; /* 1000 */
    send_control(load, client, OPCODE_CLOSE, NORMAL_CLOSURE, sizeof NORMAL_CLOSURE);
}
