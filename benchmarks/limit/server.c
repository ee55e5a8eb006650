/* The least a server can do: one recv for an event, one send for all replies to it.
 *
 * Frames are copied unmasked into one shared buffer of replies. A frame that is too large for the
 * shared read buffer gets a buffer of its own, is received straight into it, unmasked in place and
 * sent from there. It trusts the load: nothing is checked that only a wrong client would do. */
#include "server.h"

#include "failure.h"
#include "frame.h"
#include "mask.h"
#include "opening.h"
#include "subscribers.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static uint8_t shared[READ_BYTES + 1]; /* one more for the NUL behind a request */
static uint8_t replies[READ_BYTES];    /* a reply is never longer than its request */
static enum Publishing publishing = TOGETHER;

void server_publish(enum Publishing how) { publishing = how; }

static void leave(struct Connection *connection)
{
    if (connection->part == SUBSCRIBER)
        subscribers_remove(connection);
    connection_drop(connection);
}

static void deliver(int epoll, struct Connection *connection, const uint8_t *bytes, size_t length)
{
    if (length == 0)
        return;
    if (connection->part == PUBLISHER)
        subscribers_send(epoll, bytes, length);
    else
        connection_send(epoll, connection, bytes, length);
}

static unsigned encode_reply_head(uint8_t *out, const struct FrameHead *request)
{
    struct FrameHead reply = {
        .fin = request->fin, .opcode = request->opcode, .length = request->length};
    return frame_encode(out, &reply);
}

/* Opening */

/* Return the number of bytes that were used: all of them, or none before the request is whole. */
static size_t receive_request(int epoll, struct Connection *connection, uint8_t *bytes,
                              size_t length)
{
    char answer[OPENING_ANSWER_MAX_BYTES];
    bytes[length] = '\0';
    if (strstr((const char *)bytes, "\r\n\r\n") == NULL)
        return 0;
    size_t answer_length = opening_answer((const char *)bytes, answer);
    if (answer_length == 0) {
        shutdown(connection->socket, SHUT_RDWR);
        return length;
    }
    connection_send(epoll, connection, (const uint8_t *)answer, answer_length);
    connection->part = opening_part((const char *)bytes);
    if (connection->part == SUBSCRIBER)
        subscribers_add(connection);
    return length;
}

/* Messages */

static void receive_close(int epoll, struct Connection *connection, const uint8_t *frame,
                          size_t length)
{
    connection_send(epoll, connection, frame, length);
    shutdown(connection->socket, SHUT_WR);
}

/* Return the number of bytes of whole frames; set `expected` to the size of the one after them. */
static size_t receive_frames(int epoll, struct Connection *connection, const uint8_t *bytes,
                             size_t length, size_t *expected)
{
    size_t used = 0, written = 0;
    struct FrameHead head;
    *expected = 0;
    while (frame_parse(bytes + used, length - used, &head) != 0) {
        if (length - used - head.size < head.length) {
            *expected = head.size + head.length;
            break;
        }
        size_t frame_at = written;
        written += encode_reply_head(replies + written, &head);
        mask_copy(replies + written, bytes + used + head.size, head.length, head.key);
        written += head.length;
        used += head.size + head.length;
        if (head.opcode == OPCODE_CLOSE) {
            deliver(epoll, connection, replies, frame_at);
            receive_close(epoll, connection, replies + frame_at, written - frame_at);
            return length;
        }
        if (connection->part == PUBLISHER && publishing == APART) {
            deliver(epoll, connection, replies, written);
            written = 0;
        }
    }
    deliver(epoll, connection, replies, written);
    return used;
}

/* Large messages */

static void receive_large(int epoll, struct Connection *connection)
{
    struct FrameHead head;
    uint8_t reply_head[FRAME_HEAD_MAX_BYTES];
    frame_parse(connection->partial, connection->partial_length, &head);
    uint8_t *payload = connection->partial + head.size;
    mask_copy(payload, payload, head.length, head.key);
    unsigned size = encode_reply_head(reply_head, &head);
    memcpy(payload - size, reply_head, size);
    if (connection->part == PUBLISHER) {
        subscribers_send(epoll, payload - size, size + head.length);
        connection_forget(connection);
    } else {
        connection_send_kept(epoll, connection, head.size - size);
    }
}

/* Receiving */

static bool has_ended(ssize_t received)
{
    return received == 0 || (received < 0 && errno != EAGAIN);
}

static void receive_rest(int epoll, struct Connection *connection)
{
    ssize_t received = recv(connection->socket, connection->partial + connection->partial_length,
                            connection->partial_room - connection->partial_length, 0);
    if (has_ended(received)) {
        leave(connection);
        return;
    }
    connection->partial_length += received > 0 ? (uint32_t)received : 0;
    if (connection->partial_length == connection->partial_room)
        receive_large(epoll, connection);
}

void server_receive(int epoll, struct Connection *connection)
{
    if (connection->partial_room > READ_BYTES) {
        receive_rest(epoll, connection);
        return;
    }
    size_t kept = connection->partial_length, expected = 0;
    if (kept > 0)
        memcpy(shared, connection->partial, kept);
    ssize_t received = recv(connection->socket, shared + kept, READ_BYTES - kept, 0);
    if (received <= 0) {
        if (has_ended(received))
            leave(connection);
        return;
    }
    size_t length = kept + (size_t)received;
    size_t used = connection->part == OPENING
                      ? receive_request(epoll, connection, shared, length)
                      : receive_frames(epoll, connection, shared, length, &expected);
    connection_forget(connection);
    if (used < length)
        connection_keep(connection, shared + used, length - used, expected);
}
