/* What happens to received bytes. */
#ifndef LIMIT_SERVER_H
#define LIMIT_SERVER_H

#include "connection.h"

enum { READ_BYTES = 64 * 1024 };

enum Publishing { TOGETHER, APART };

/* Whether the publications of one read leave in one send to each subscriber, or each by itself. */
void server_publish(enum Publishing how);

/* Receive once from a connection, which is gone afterwards if the peer is. */
void server_receive(int epoll, struct Connection *connection);

#endif
