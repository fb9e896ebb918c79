// Circular doubly linked lists, whose nodes lie within what they link.
#ifndef LIST_H
#define LIST_H

#include "kit.h"

struct list {
    struct list *next, *previous;
};

#define LIST_OWNER(node, type, member) ((type *)((char *)(node) - offsetof(type, member)))

// Of a head: an empty list. Of a node: in no list.
static inline void list_init(struct list *list) {
    list->next = list->previous = list;
}

static inline bool list_is_empty(const struct list *list) {
    return list->next == list;
}

static inline void list_remove(struct list *node) {
    node->previous->next = node->next;
    node->next->previous = node->previous;
    list_init(node);
}

// A node that is in a list stays where it is.
static inline void list_append(struct list *list, struct list *node) {
    if (!list_is_empty(node))
        return;
    node->next = list;
    node->previous = list->previous;
    node->previous->next = node;
    list->previous = node;
}

// Moves all nodes of `from` to `to`, which is not initialized.
static inline void list_take_all(struct list *to, struct list *from) {
    list_init(to);
    if (list_is_empty(from))
        return;
    *to = *from;
    to->next->previous = to->previous->next = to;
    list_init(from);
}

#endif
