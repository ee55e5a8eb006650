# No twin: server/opening.py judges each kind of request first, and this repeats its answer.
# Owns nothing but what it remembers. Runs on the loop's thread.
"""Plain requests, answered as others like them were.

What decides over a plain request is its Host, Origin, subprotocols and extensions, and nothing
else. The first that says the same goes through the reference; what came of it is remembered here,
unless it was refused. Strangers choose these values: few are remembered, and none that is long.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport INT32_MAX, uint8_t, uint32_t
from libc.string cimport memchr, memcmp, memcpy
from libc.time cimport time

from trunkline.limits import LARGEST_TERMS, MOST_TERMS

cdef enum:
    QUESTION_MARK = 0x3F

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


cdef inline bint is_same(
    const uint8_t* data, tl_span span, const uint8_t* other_data, tl_span other
) noexcept:
    """Whether two spans hold the same bytes."""
    return (
        span.size == other.size
        and memcmp(data + span.start, other_data + other.start, span.size) == 0
    )


cdef inline bint has_query(const uint8_t* data, tl_span target) noexcept:
    return memchr(data + target.start, QUESTION_MARK, target.size) != NULL


cdef Form new_form(const uint8_t* data, const tl_head* head):
    """Make the form of a request; what others like it are answered is yet to be known."""
    cdef Form form = Form.__new__(Form)
    form.head = PyBytes_FromStringAndSize(<const char*>data, head.size)
    form.target = head.target
    form.fields = PyBytes_FromStringAndSize(
        <const char*>head.fields, head.count * sizeof(tl_field)
    )
    form.key_at = head.known[TL_KEY].value.start
    return form


cdef class Form:
    cdef bint fits(self, const uint8_t* data, size_t size) noexcept:
        cdef:
            const uint8_t* head = bytes_of(self.head)
            size_t whole = PyBytes_GET_SIZE(self.head), behind = self.key_at + TL_KEY_CHARACTERS
            uint8_t nonce[TL_NONCE_BYTES]
        if size < whole or memcmp(data, head, self.key_at) != 0:
            return False
        if memcmp(data + behind, head + behind, whole - behind) != 0:
            return False
        return tl_read_key(nonce, data + self.key_at)

    cdef bint resembles(self, const uint8_t* data, const tl_head* head) noexcept:
        cdef:
            const uint8_t* known = bytes_of(self.head)
            const tl_field* fields = <const tl_field*>bytes_of(self.fields)
            Py_ssize_t index
        if <Py_ssize_t>head.count != PyBytes_GET_SIZE(self.is_shared):
            return False
        if has_query(known, self.target) != has_query(data, head.target):
            return False
        if not (
            has_query(data, head.target) or is_same(known, self.target, data, head.target)
        ):
            return False
        for index in range(head.count):
            if not is_same(known, fields[index].name, data, head.fields[index].name):
                return False
            # Among these are all that decide over a request.
            if bytes_of(self.is_shared)[index] and not is_same(
                known, fields[index].value, data, head.fields[index].value
            ):
                return False
        return True

    cdef bint is_own(self, Py_ssize_t index) noexcept:
        """Whether the value of a field is kept as text."""
        cdef const tl_field* field = <const tl_field*>bytes_of(self.fields) + index
        return not bytes_of(self.is_shared)[index] and field.value.start != self.key_at

    cdef bytes own_texts(self):
        """Give the values that are kept as text."""
        cdef:
            const uint8_t* head = bytes_of(self.head)
            const tl_field* fields = <const tl_field*>bytes_of(self.fields)
            list texts = [cut(head, self.target)] if has_query(head, self.target) else []
            Py_ssize_t index
        for index in range(PyBytes_GET_SIZE(self.is_shared)):
            if self.is_own(index):
                texts.append(cut(head, fields[index].value))
        return b"\r\n".join(texts)


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
        form = self.form_of(data, &head)
        if form is not None:
            self.latest = form
        return form

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

    cdef Form form_of(self, const uint8_t* data, const tl_head* head):
        """Give the form of a plain request; `None`: nobody who asked the same was answered."""
        cdef Form form, latest = self.latest
        if latest is not None and latest.resembles(data, head):
            form = new_form(data, head)
            form.terms, form.pattern = latest.terms, latest.pattern
            form.is_shared = latest.is_shared
        else:
            terms = self.known.get(decisive(data, head))
            if terms is None:
                return None
            form = new_form(data, head)
            form.terms = terms
            self.fold(form)
        form.texts = form.own_texts()
        return form

    cdef int fold(self, Form form) except -1:
        """Make the pattern of both heads, as connection/heads.py would."""
        cdef:
            const uint8_t* head = bytes_of(form.head)
            const tl_field* fields = <const tl_field*>bytes_of(form.fields)
            const tl_field* field
            Py_ssize_t count = PyBytes_GET_SIZE(form.fields) // sizeof(tl_field)
            list lines = [b"GET"], is_shared = []
            tl_span line
            Py_ssize_t index
        if not has_query(head, form.target):
            lines[0] += b" " + cut(head, form.target)
        for index in range(count):
            field = fields + index
            name = cut(head, field.name)
            is_common = name.lower() in self.shared_names
            is_shared.append(is_common)
            if is_common:
                line.start = field.name.start
                line.size = field.value.start + field.value.size - field.name.start
                lines.append(cut(head, line))
            else:
                lines.append(name + b"@" if field.value.start == form.key_at else name)
        lines.append(b"")
        lines.append(form.terms.pattern)
        form.pattern, form.is_shared = self.share(b"\r\n".join(lines)), bytes(is_shared)
        return 0

    # Learning

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
