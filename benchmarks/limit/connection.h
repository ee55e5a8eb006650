/* One connection of the limit server, and what it still has to send. */
#ifndef LIMIT_CONNECTION_H
#define LIMIT_CONNECTION_H

#include <stddef.h>
#include <stdint.h>

enum Part { OPENING, ECHO, PUBLISHER, SUBSCRIBER };

struct Connection {
    int socket;
    enum Part part;
    uint32_t place;   /* among the subscribers */
    uint8_t *partial; /* owned: an incomplete frame or request, NULL when there is none */
    uint8_t *backlog; /* owned: what the kernel did not take, NULL when there is none */
    uint32_t partial_length, partial_room;
    uint32_t backlog_length, backlog_sent;
};

/* Register a connection that was just accepted. */
struct Connection *connection_open(int epoll, int socket);

/* Send, or queue behind what is queued; `bytes` may be reused at once. */
void connection_send(int epoll, struct Connection *connection, const uint8_t *bytes, size_t length);

/* Send the kept bytes from `start` on, and forget them; what is left over is queued uncopied. */
void connection_send_kept(int epoll, struct Connection *connection, size_t start);

/* Send what is queued, as far as the kernel takes it. */
void connection_flush(int epoll, struct Connection *connection);

/* Keep received bytes until more of the frame has come; `expected` is its size, if known. */
void connection_keep(struct Connection *connection, const uint8_t *bytes, size_t length,
                     size_t expected);

/* Forget the bytes that were kept. */
void connection_forget(struct Connection *connection);

/* Close the socket and free the connection. */
void connection_drop(struct Connection *connection);

#endif
