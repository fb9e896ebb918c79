// Frames by the network ring, which must be there: one request at a time, for the program has its frame back at once.
#ifndef HVT_RING_H
#define HVT_RING_H

#include "bindings/hvt/hvt.h"

// Whether a count of the tender's has this value; what the tender wrote before is seen then. To the compiler a load that
// is atomic and a comparison are two instructions.
__attribute__((always_inline)) static inline bool is_count(const uint32_t *counted, uint32_t value) {
#if defined(__x86_64__)
    bool equal;
    __asm__ volatile("cmpl %2, %1" : "=@cce"(equal) : "m"(*counted), "ri"(value) : "memory");
    return equal;
#else
    return __atomic_load_n(counted, __ATOMIC_SEQ_CST) == value;
#endif
}

// Waits until the tender, which counts up, has come to `count`. The compiler would take a register for the address first.
__attribute__((always_inline)) static inline void wait_for(const uint32_t *counted, uint32_t count) {
#if defined(__x86_64__)
    __asm__ volatile("cmpl %1, %0\n\tje 2f\n1:\tpause\n\tcmpl %1, %0\n\tjne 1b\n2:"
                     :
                     : "m"(*counted), "r"(count)
                     : "memory", "cc");
#else
    while (!is_count(counted, count))
        __asm__ volatile("yield");
#endif
}

// Returns the count of requests with this one.
__attribute__((always_inline)) static inline uint32_t ring_request(struct net_ring *ring,
                                                                   enum net_ring_operation operation,
                                                                   solo5_handle_t handle, const void *data,
                                                                   size_t size) {
    uint32_t made = ring->requests_made;
    struct net_ring_request *request = &ring->request[made++ % NET_RING_ENTRIES];
    request->operation = operation;
    request->handle = (uint32_t)handle;
    request->data = data;
    request->size = (uint32_t)size;
    // The tender stores that it wants the bell, and then loads this count: with a full barrier between store and load on
    // both sides, one of both sees the other's store.
    __atomic_store_n(&ring->requests_made, made, __ATOMIC_SEQ_CST);
    if (!is_count(&ring->wants_bell, 0))
        doorbell();
    return made;
}

// A frame that is refused is lost in silence.
static inline void ring_send(struct net_ring *ring, solo5_handle_t handle, const uint8_t *frame, size_t size) {
    wait_for(&ring->requests_taken, ring_request(ring, NET_RING_WRITE, handle, frame, size));
}

static inline solo5_result_t ring_receive(struct net_ring *ring, solo5_handle_t handle, uint8_t *frame, size_t size,
                                          size_t *received) {
    uint32_t taken = ring->answers_taken + 1;
    ring_request(ring, NET_RING_READ, handle, frame, size);
    wait_for(&ring->answers_made, taken);
    const struct net_ring_answer *answer = &ring->answer[(taken - 1) % NET_RING_ENTRIES];
    solo5_result_t result = (solo5_result_t)answer->result;
    if (__builtin_expect(result == SOLO5_R_OK, 1))
        *received = answer->size;
    __atomic_store_n(&ring->answers_taken, taken, __ATOMIC_RELEASE);
    return result;
}

#endif
