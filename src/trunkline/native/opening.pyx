# No twin: server/opening.py judges each kind of request first, and this repeats its answer.
# Owns nothing but what it remembers. Runs on the loop's thread.
"""Plain requests, answered as others like them were.

What decides over a plain request is its Host, Origin, subprotocols and extensions, and nothing
else. The first that says the same goes through the reference; what came of it is remembered here,
unless it was refused. Strangers choose these values: few are remembered, and none that is long.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport INT32_MAX, uint8_t

from trunkline.limits import LARGEST_TERMS, MOST_TERMS

cdef enum:
    EMPTY_LINE = 4

cdef Py_ssize_t most_terms = MOST_TERMS
cdef Py_ssize_t largest_terms = LARGEST_TERMS


cdef class Greeting:
    pass


cdef class Terms:
    pass


cdef inline bytes cut(bytes data, tl_span span):
    return PyBytes_FromStringAndSize(PyBytes_AS_STRING(data) + span.start, span.size)


cdef bint read_head(tl_head* head, bytes data, const tl_head_limits* limits) noexcept:
    cdef const uint8_t* start = <const uint8_t*>PyBytes_AS_STRING(data)
    return tl_read_head(head, start, PyBytes_GET_SIZE(data), limits)


cdef object value_of(bytes data, const tl_field* field):
    return None if field == NULL else cut(data, field.value)


cdef tuple decisive(bytes data, const tl_head* head):
    """Give the values that decide over a request."""
    return (
        value_of(data, head.known[TL_HOST]),
        value_of(data, head.known[TL_ORIGIN]),
        value_of(data, head.known[TL_PROTOCOL]),
        value_of(data, head.known[TL_EXTENSIONS]),
    )


cdef class Reception:
    def __cinit__(self, limits, http_date, shared_names, share):
        self.limits.max_head = min(limits.max_head, INT32_MAX)
        self.limits.max_line = min(limits.max_target, INT32_MAX)
        self.limits.max_fields = min(limits.max_headers, INT32_MAX)
        self.http_date = http_date
        self.shared_names = shared_names
        self.share = share
        self.known = {}

    def __len__(self):
        return len(self.known)

    def greet(self, bytes data not None):
        """Answer the request that begins at `data`; `None`: the reference has to."""
        cdef tl_head head
        if not read_head(&head, data, &self.limits):
            return None
        terms = self.known.get(decisive(data, &head))
        return None if terms is None else self.accept(data, &head, terms)

    cdef Greeting accept(self, bytes data, const tl_head* head, Terms terms):
        cdef:
            uint8_t accept[TL_ACCEPT_CHARACTERS]
            const uint8_t* start = <const uint8_t*>PyBytes_AS_STRING(data)
            Greeting greeting = Greeting.__new__(Greeting)
            bytes date = self.http_date().encode()
        tl_accept_key(accept, start + head.known[TL_KEY].value.start)
        value = PyBytes_FromStringAndSize(<char*>accept, TL_ACCEPT_CHARACTERS)
        greeting.answer = b"".join((terms.before, value, terms.between, date, terms.after))
        greeting.head = data[:head.size - EMPTY_LINE]
        greeting.rest = data[head.size:]
        greeting.agreement = terms.agreement
        greeting.pattern, greeting.own_values = self.fold(data, head, terms, date)
        return greeting

    cdef tuple fold(self, bytes data, const tl_head* head, Terms terms, bytes date):
        """Make both heads small, as connection/heads.py would."""
        cdef:
            list lines = [], own = []
            bytes target = cut(data, head.target), name
            const tl_field* field
            tl_span line
            uint32_t index
        if b"?" in target:
            own.append(target)
            lines.append(b"GET")
        else:
            lines.append(b"GET " + target)
        for index in range(head.count):
            field = &head.fields[index]
            name = cut(data, field.name)
            if name.lower() in self.shared_names:
                line.start = field.name.start
                line.size = field.value.start + field.value.size - field.name.start
                lines.append(cut(data, line))
            else:
                lines.append(name)
                own.append(cut(data, field.value))
        own.append(date)
        lines.append(b"")
        lines.append(terms.pattern)
        return self.share(b"\r\n".join(lines)), b"\r\n".join(own)

    def learn(self, bytes head not None, agreement, tuple answer not None, bytes pattern not None):
        """Answer in future as this request was answered, where it is plain."""
        cdef:
            tl_head read
            Terms terms = Terms.__new__(Terms)
        if not read_head(&read, head, &self.limits):
            return
        decided_by = decisive(head, &read)
        if sum([len(value) for value in decided_by if value is not None]) > largest_terms:
            return
        terms.agreement, terms.pattern = agreement, pattern
        terms.before, terms.between, terms.after = answer
        if len(self.known) >= most_terms and decided_by not in self.known:
            del self.known[next(iter(self.known))]
        self.known[decided_by] = terms
