#include "connection.h"

#include "failure.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct Connection *connection_open(int epoll, int socket)
{
    struct Connection *connection = zeroed(1, sizeof *connection);
    connection->socket = socket;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event) != 0)
        fail_errno("epoll_ctl");
    return connection;
}

/* Sending */

static void await_room(int epoll, struct Connection *connection, bool is_waiting)
{
    struct epoll_event event = {.events = EPOLLIN | (is_waiting ? EPOLLOUT : 0),
                                .data.ptr = connection};
    epoll_ctl(epoll, EPOLL_CTL_MOD, connection->socket, &event);
}

static size_t send_now(struct Connection *connection, const uint8_t *bytes, size_t length)
{
    ssize_t sent = send(connection->socket, bytes, length, MSG_NOSIGNAL);
    return sent > 0 ? (size_t)sent : 0; /* a broken connection shows when it is read */
}

static void forget_backlog(struct Connection *connection)
{
    free(connection->backlog);
    connection->backlog = NULL;
    connection->backlog_length = connection->backlog_sent = 0;
}

void connection_send(int epoll, struct Connection *connection, const uint8_t *bytes, size_t length)
{
    bool is_first = connection->backlog == NULL;
    if (is_first) {
        size_t sent = send_now(connection, bytes, length);
        bytes += sent;
        length -= sent;
    }
    if (length == 0)
        return;
    size_t queued = connection->backlog_length + length;
    connection->backlog = grown(connection->backlog, queued);
    memcpy(connection->backlog + connection->backlog_length, bytes, length);
    connection->backlog_length = (uint32_t)queued;
    if (is_first)
        await_room(epoll, connection, true);
}

void connection_send_kept(int epoll, struct Connection *connection, size_t start)
{
    size_t length = connection->partial_length;
    if (connection->backlog != NULL) {
        connection_send(epoll, connection, connection->partial + start, length - start);
        connection_forget(connection);
        return;
    }
    connection->backlog = connection->partial;
    connection->backlog_length = (uint32_t)length;
    connection->backlog_sent =
        (uint32_t)(start + send_now(connection, connection->partial + start, length - start));
    connection->partial = NULL;
    connection->partial_length = connection->partial_room = 0;
    if (connection->backlog_sent < length)
        await_room(epoll, connection, true);
    else
        forget_backlog(connection);
}

void connection_flush(int epoll, struct Connection *connection)
{
    if (connection->backlog == NULL)
        return;
    connection->backlog_sent +=
        (uint32_t)send_now(connection, connection->backlog + connection->backlog_sent,
                           connection->backlog_length - connection->backlog_sent);
    if (connection->backlog_sent < connection->backlog_length)
        return;
    forget_backlog(connection);
    await_room(epoll, connection, false);
}

/* Receiving */

void connection_keep(struct Connection *connection, const uint8_t *bytes, size_t length,
                     size_t expected)
{
    size_t room = expected > length ? expected : 2 * length;
    connection->partial = grown(NULL, room);
    memcpy(connection->partial, bytes, length);
    connection->partial_length = (uint32_t)length;
    connection->partial_room = (uint32_t)room;
}

void connection_forget(struct Connection *connection)
{
    free(connection->partial);
    connection->partial = NULL;
    connection->partial_length = connection->partial_room = 0;
}

/* Closing */

void connection_drop(struct Connection *connection)
{
    close(connection->socket);
    free(connection->partial);
    free(connection->backlog);
    free(connection);
}
