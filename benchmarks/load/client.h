/* One connection of the load. */
#ifndef LOAD_CLIENT_H
#define LOAD_CLIENT_H

#include "reply.h"
#include "transport.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct Load;

enum { CONTROL_ROOM_BYTES = 1024 };

enum Phase { IDLE, OPENING, OPEN, CLOSING };

struct Client {
    struct Transport transport;
    enum Phase phase;
    bool is_waiting_for_room;
    bool has_close_frame;  /* the server's has arrived */
    uint64_t opened_at;    /* when the connection was begun, in nanoseconds */
    uint64_t queued, sent; /* messages, since the beginning */
    size_t sent_bytes;     /* of the message that is being sent */
    uint64_t *queued_at;   /* owned: when each message under way was queued, by number % depth */
    uint8_t *control;      /* owned: the request, then the answer, then control frames to send */
    size_t control_length, control_sent, answer_length;
    struct Reply reply;
};

/* Begin to connect and to shake hands; message 0 will be the card `first` of the deck. */
void client_open(struct Load *load, struct Client *client, const char *path, uint32_t first);

/* Queue the next messages of the deck; no more than `depth` are ever under way. */
void client_queue(struct Load *load, struct Client *client, unsigned messages);

/* Begin the closing handshake. */
void client_close(struct Load *load, struct Client *client);

/* Do what epoll says can be done. */
void client_handle(struct Load *load, struct Client *client, uint32_t events);

/* Messages that are queued or sent and have not come back. */
static inline uint64_t client_under_way(const struct Client *client)
{
    return client->queued - client->reply.number;
}

#endif
