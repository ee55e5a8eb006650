# No twin: server/opening.py judges each kind of request first, and this repeats its answer.
# Owns nothing but what it remembers. Runs on the loop's thread.
"""Plain requests, answered as others like them were.

What decides over a plain request is its Host, Origin, subprotocols and extensions, and nothing
else. The first that says the same goes through the reference; what came of it is remembered here,
unless it was refused. Strangers choose these values: few are remembered, and none that is long.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport INT32_MAX, uint8_t, uint32_t
from libc.string cimport memcmp, memcpy
from libc.time cimport time

from trunkline.limits import LARGEST_TERMS, MOST_TERMS

cdef Py_ssize_t most_terms = MOST_TERMS
cdef Py_ssize_t largest_terms = LARGEST_TERMS


cdef class Greeting:
    pass


cdef class Terms:
    pass


cdef inline bytes cut(const uint8_t* data, tl_span span):
    return PyBytes_FromStringAndSize(<const char*>data + span.start, span.size)


cdef inline const uint8_t* bytes_of(bytes data) noexcept:
    return <const uint8_t*>PyBytes_AS_STRING(data)


cdef object value_of(const uint8_t* data, const tl_field* field):
    return None if field == NULL else cut(data, field.value)


cdef tuple decisive(const uint8_t* data, const tl_head* head):
    """Give the values that decide over a request."""
    return (
        value_of(data, head.known[TL_HOST]),
        value_of(data, head.known[TL_ORIGIN]),
        value_of(data, head.known[TL_PROTOCOL]),
        value_of(data, head.known[TL_EXTENSIONS]),
    )


cdef uint8_t* put(uint8_t* target, bytes data) noexcept:
    """Write `data`, and give the place behind it."""
    memcpy(target, PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))
    return target + PyBytes_GET_SIZE(data)


cdef class Form:
    cdef bint fits(self, const uint8_t* data, size_t size) noexcept:
        """Whether the request that begins at `data` is this one, with whatever key."""
        cdef:
            const uint8_t* head = bytes_of(self.head)
            size_t whole = PyBytes_GET_SIZE(self.head), behind = self.key_at + TL_KEY_CHARACTERS
            uint8_t nonce[TL_NONCE_BYTES]
        if size < whole or memcmp(data, head, self.key_at) != 0:
            return False
        if memcmp(data + behind, head + behind, whole - behind) != 0:
            return False
        return tl_read_key(nonce, data + self.key_at)


cdef class Reception:
    def __cinit__(self, limits, date_of, shared_names, share):
        self.limits.max_head = min(limits.max_head, INT32_MAX)
        self.limits.max_line = min(limits.max_target, INT32_MAX)
        self.limits.max_fields = min(limits.max_headers, INT32_MAX)
        self.date_of = date_of
        self.shared_names = shared_names
        self.share = share
        self.known = {}

    def __len__(self):
        return len(self.known)

    # Answering

    cdef Form recognize(self, const uint8_t* data, size_t size):
        cdef tl_head head
        if self.latest is not None and self.latest.fits(data, size):
            return self.latest
        if not tl_read_head(&head, data, size, &self.limits):
            return None
        terms = self.known.get(decisive(data, &head))
        if terms is not None:
            self.latest = self.new_form(data, &head, terms)
            return self.latest
        return None

    cdef size_t measure_answer(self, Form form) except 0:
        cdef:
            Terms terms = form.terms
            uint32_t second = <uint32_t>time(NULL)
            size_t size = TL_ACCEPT_CHARACTERS
        if second != self.second:
            self.date = self.date_of(second).encode()
            self.second = second
        for part in (terms.before, terms.between, self.date, terms.after):
            size += PyBytes_GET_SIZE(part)
        return size

    cdef void write_answer(self, uint8_t* target, Form form, const uint8_t* key) noexcept:
        cdef Terms terms = form.terms
        target = put(target, terms.before)
        tl_accept_key(target, key)
        target = put(target + TL_ACCEPT_CHARACTERS, terms.between)
        put(put(target, self.date), terms.after)

    cdef bytes own_values(self, Form form, const uint8_t* key):
        cdef:
            Py_ssize_t brief = TL_NONCE_BYTES + sizeof(self.second)
            bytes own = PyBytes_FromStringAndSize(NULL, brief + PyBytes_GET_SIZE(form.texts))
            uint8_t* target = <uint8_t*>PyBytes_AS_STRING(own)
            size_t byte
        tl_read_key(target, key)
        for byte in range(sizeof(self.second)):
            target[TL_NONCE_BYTES + byte] = self.second >> (8 * byte) & 0xFF
        put(target + brief, form.texts)
        return own

    def greet(self, bytes data not None):
        """Say how the request that begins at `data` is answered; `None`: the reference has to."""
        cdef:
            Form form = self.recognize(bytes_of(data), PyBytes_GET_SIZE(data))
            Greeting greeting = Greeting.__new__(Greeting)
            const uint8_t* key
            Py_ssize_t whole
        if form is None:
            return None
        key, whole = bytes_of(data) + form.key_at, PyBytes_GET_SIZE(form.head)
        greeting.answer = PyBytes_FromStringAndSize(NULL, self.measure_answer(form))
        self.write_answer(<uint8_t*>PyBytes_AS_STRING(greeting.answer), form, key)
        greeting.head, greeting.rest = data[:whole - EMPTY_LINE], data[whole:]
        greeting.agreement, greeting.pattern = form.terms.agreement, form.pattern
        greeting.own_values = self.own_values(form, key)
        return greeting

    # Learning

    cdef Form new_form(self, const uint8_t* data, const tl_head* head, Terms terms):
        cdef Form form = Form.__new__(Form)
        form.head = PyBytes_FromStringAndSize(<const char*>data, head.size)
        form.key_at = head.known[TL_KEY].value.start
        form.terms = terms
        self.fold(data, head, form)
        return form

    cdef int fold(self, const uint8_t* data, const tl_head* head, Form form) except -1:
        """Make both heads small, as connection/heads.py would."""
        cdef:
            list lines = [], texts = []
            bytes target = cut(data, head.target), name
            const tl_field* field
            tl_span line
            uint32_t index
        if b"?" in target:
            texts.append(target)
            lines.append(b"GET")
        else:
            lines.append(b"GET " + target)
        for index in range(head.count):
            field = &head.fields[index]
            name = cut(data, field.name)
            if field == head.known[TL_KEY]:
                lines.append(name + b"@")
            elif name.lower() in self.shared_names:
                line.start = field.name.start
                line.size = field.value.start + field.value.size - field.name.start
                lines.append(cut(data, line))
            else:
                lines.append(name)
                texts.append(cut(data, field.value))
        lines.append(b"")
        lines.append(form.terms.pattern)
        form.pattern, form.texts = self.share(b"\r\n".join(lines)), b"\r\n".join(texts)
        return 0

    def learn(self, bytes head not None, agreement, tuple answer not None, bytes pattern not None):
        """Answer in future as this request was answered, where it is plain."""
        cdef:
            tl_head read
            Terms terms = Terms.__new__(Terms)
        if not tl_read_head(&read, bytes_of(head), PyBytes_GET_SIZE(head), &self.limits):
            return
        decided_by = decisive(bytes_of(head), &read)
        if sum([len(value) for value in decided_by if value is not None]) > largest_terms:
            return
        terms.agreement, terms.pattern = agreement, pattern
        terms.before, terms.between, terms.after = answer
        if len(self.known) >= most_terms and decided_by not in self.known:
            del self.known[next(iter(self.known))]
        self.known[decided_by] = terms
        self.latest = None
