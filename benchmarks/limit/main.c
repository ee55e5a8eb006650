/* The limit: a WebSocket server on epoll that does the least possible work. `limit [--apart]`
 *
 * Prints its port and serves until it is killed: /pub is sent to all of /sub, any other path is
 * echoed. With --apart, what was published together is sent message by message. */
#include "failure.h"
#include "server.h"

#include <arpa/inet.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum {
    BACKLOG = 4096,
    EVENTS = 1024,
    /* So that a buffer of a large message is not given back to the kernel after each. */
    KEEP_BYTES = 32 * 1024 * 1024, /* more is refused */
    FOR_EVER = -1,
};

static int listen_anywhere(void)
{
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    int yes = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_ANY);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(listener, BACKLOG) != 0) {
        fail_errno("listen");
    }
    return listener;
}

static void print_port(int listener)
{
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    getsockname(listener, (struct sockaddr *)&address, &length);
    printf("%d c-epoll, in C\n", ntohs(address.sin_port));
    fflush(stdout);
}

static void accept_all(int epoll, int listener)
{
    int yes = 1;
    int socket;
    while ((socket = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        connection_open(epoll, socket);
    }
}

static void handle(int epoll, int listener, const struct epoll_event *event)
{
    struct Connection *connection = event->data.ptr;
    if (connection == NULL) {
        accept_all(epoll, listener);
        return;
    }
    if (event->events & EPOLLOUT)
        connection_flush(epoll, connection);
    if (event->events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        server_receive(epoll, connection);
}

int main(int count, char **arguments)
{
    if (!mallopt(M_MMAP_THRESHOLD, KEEP_BYTES) || !mallopt(M_TRIM_THRESHOLD, KEEP_BYTES))
        fail("mallopt refuses %d bytes", KEEP_BYTES);
    if (count > 1 && strcmp(arguments[1], "--apart") == 0)
        server_publish(APART);
    int listener = listen_anywhere();
    int epoll = epoll_create1(0);
    struct epoll_event listening = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &listening);
    print_port(listener);
    static struct epoll_event events[EVENTS];
    for (;;) {
        int ready = epoll_wait(epoll, events, EVENTS, FOR_EVER);
        for (int i = 0; i < ready; i++)
            handle(epoll, listener, &events[i]);
    }
}
