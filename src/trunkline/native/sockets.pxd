# The system calls of epoll and sockets, in one place.
from libc.stdint cimport uint8_t, uint32_t, uint64_t


cdef extern from *:
    """
    #ifndef _GNU_SOURCE
    #define _GNU_SOURCE
    #endif
    #include <errno.h>
    #include <string.h>
    #include <sys/epoll.h>
    #include <sys/eventfd.h>
    #include <sys/socket.h>
    #include <sys/uio.h>
    #include <netinet/in.h>
    #include <netinet/tcp.h>
    #include <time.h>
    #include <unistd.h>

    static inline int tl_accept(int listener)
    {
        return accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    }

    /* Fails on a Unix socket, which never waits for more. */
    static inline void tl_switch_nagle_off(int fd)
    {
        int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }

    /* Fails on a Unix socket. */
    static inline void tl_limit_unsent(int fd, int size)
    {
        setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &size, sizeof size);
    }

    static inline ssize_t tl_send(int fd, const void *data, size_t size)
    {
        return send(fd, data, size, MSG_NOSIGNAL);
    }

    static inline ssize_t tl_send_both(
        int fd, const void *first, size_t first_size, const void *second, size_t second_size)
    {
        struct iovec parts[2] = {{(void *)first, first_size}, {(void *)second, second_size}};
        struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
        return sendmsg(fd, &message, MSG_NOSIGNAL);
    }

    /* The size of the address, or -1. */
    static inline int tl_sockname(int fd, void *address, int size)
    {
        socklen_t length = (socklen_t)size;
        return getsockname(fd, address, &length) < 0 || (int)length > size ? -1 : (int)length;
    }

    static inline int tl_peername(int fd, void *address, int size)
    {
        socklen_t length = (socklen_t)size;
        return getpeername(fd, address, &length) < 0 || (int)length > size ? -1 : (int)length;
    }

    static inline int tl_is_ipv4(const uint8_t *address, int size)
    {
        sa_family_t family;
        if (size < (int)sizeof(struct sockaddr_in))
            return 0;
        memcpy(&family, address, sizeof family);
        return family == AF_INET;
    }

    /* What lies behind it in a sockaddr_in is port and host. */
    static inline void tl_write_ipv4_family(uint8_t *address)
    {
        sa_family_t family = AF_INET;
        memcpy(address, &family, sizeof family);
    }

    static inline double tl_monotonic(void)
    {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
    }
    """
    int EAGAIN, EINTR, EMFILE, ENFILE, ENOBUFS, ENOMEM
    ctypedef union epoll_data_t:
        void* ptr
    struct epoll_event:
        uint32_t events
        epoll_data_t data
    uint32_t EPOLLIN, EPOLLOUT, EPOLLHUP, EPOLLERR
    int EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLL_CTL_DEL, EPOLL_CLOEXEC
    int EFD_NONBLOCK, EFD_CLOEXEC, SHUT_WR
    int epoll_create1(int flags) nogil
    int epoll_ctl(int epoll, int operation, int fd, epoll_event* event) nogil
    int epoll_wait(int epoll, epoll_event* events, int size, int timeout) nogil
    int eventfd(unsigned int start, int flags) nogil
    ssize_t recv(int fd, void* target, size_t size, int flags) nogil
    ssize_t read(int fd, void* target, size_t size) nogil
    ssize_t write(int fd, const void* source, size_t size) nogil
    int shutdown(int fd, int how) nogil
    int close_fd "close"(int fd) nogil
    int tl_accept(int listener) nogil
    void tl_switch_nagle_off(int fd) nogil
    void tl_limit_unsent(int fd, int size) nogil
    ssize_t tl_send(int fd, const void* data, size_t size) nogil
    ssize_t tl_send_both(
        int fd, const void* first, size_t first_size, const void* second, size_t second_size
    ) nogil
    int tl_sockname(int fd, void* address, int size) nogil
    int tl_peername(int fd, void* address, int size) nogil
    bint tl_is_ipv4(const uint8_t* address, int size) nogil
    void tl_write_ipv4_family(uint8_t* address) nogil
    double tl_monotonic() nogil
