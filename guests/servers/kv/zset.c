#include "servers/kv/zset.h"

#include "servers/kv/hash.h"
#include "servers/kv/heap.h"

// The nodes, one a level, that a search passed last (NULL: the head), and how many nodes lie up to each.
struct path {
    struct zset_node *node[ZSET_LEVELS];
    uint64_t rank[ZSET_LEVELS];
};

static size_t links_offset(size_t name_size) {
    return (offsetof(struct zset_node, name) + name_size + 3) & ~(size_t)3;
}

static struct zset_link *links_of(struct zset *zset, struct zset_node *node) {
    if (node == NULL)
        return zset->head;
    return (struct zset_link *)(void *)((uint8_t *)node + links_offset(node->common.name_size));
}

static struct zset_node *node_at(uint32_t reference) {
    return reference == 0 ? NULL : heap_object(reference);
}

struct zset *zset_new(void) {
    struct zset *zset = heap_take(sizeof *zset);
    if (zset == NULL)
        return NULL;
    memset(zset, 0, sizeof *zset);
    dict_init(&zset->members, offsetof(struct zset_node, name));
    zset->levels = 1;
    return zset;
}

struct zset_node *zset_find(const struct zset *zset, struct bytes name, struct dict_place *place) {
    return dict_find(&zset->members, name, place);
}

static bool is_before(const struct zset_node *node, int64_t order, struct bytes name) {
    int64_t own = real_order(node->score);
    return own < order || (own == order && bytes_compare(zset_name(node), name) < 0);
}

// Fills `path` with what lies before a score and name.
static void search(struct zset *zset, real score, struct bytes name, struct path *path) {
    int64_t order = real_order(score);
    struct zset_node *at = NULL;
    uint64_t rank = 0;
    for (uint32_t level = zset->levels; level-- > 0;) {
        for (;;) {
            struct zset_link link = links_of(zset, at)[level];
            struct zset_node *next = node_at(link.next);
            if (next == NULL || !is_before(next, order, name))
                break;
            rank += link.span;
            at = next;
        }
        path->node[level] = at;
        path->rank[level] = rank;
    }
}

// One level in four nodes has another above it.
static uint8_t random_levels(void) {
    uint64_t chance = random_u64() | 1ull << (2 * (ZSET_LEVELS - 1));
    return (uint8_t)(1 + __builtin_ctzll(chance) / 2);
}

// Links a node behind the path to it.
static void link_node(struct zset *zset, struct zset_node *node, struct path *path) {
    struct zset_link *links = links_of(zset, node);
    for (; zset->levels < node->levels; zset->levels++) {
        path->node[zset->levels] = NULL;
        path->rank[zset->levels] = 0;
        zset->head[zset->levels] = (struct zset_link){0, 0};
    }
    for (uint32_t level = 0; level < node->levels; level++) {
        struct zset_link *before = &links_of(zset, path->node[level])[level];
        uint32_t passed = (uint32_t)(path->rank[0] - path->rank[level]);
        links[level] = (struct zset_link){before->next, before->next == 0 ? 0 : before->span - passed};
        *before = (struct zset_link){heap_reference(node), passed + 1};
    }
    for (uint32_t level = node->levels; level < zset->levels; level++) {
        struct zset_link *over = &links_of(zset, path->node[level])[level];
        over->span += over->next != 0;
    }
    node->before = path->node[0] == NULL ? 0 : heap_reference(path->node[0]);
    struct zset_node *next = node_at(links[0].next);
    *(next == NULL ? &zset->last : &next->before) = heap_reference(node);
}

static void unlink_node(struct zset *zset, struct zset_node *node, const struct path *path) {
    struct zset_link *links = links_of(zset, node);
    for (uint32_t level = 0; level < zset->levels; level++) {
        struct zset_link *before = &links_of(zset, path->node[level])[level];
        if (level < node->levels) {
            uint32_t span = before->span - 1 + links[level].span;
            *before = (struct zset_link){links[level].next, links[level].next == 0 ? 0 : span};
        } else {
            before->span -= before->next != 0;
        }
    }
    struct zset_node *next = node_at(links[0].next);
    *(next == NULL ? &zset->last : &next->before) = node->before;
    while (zset->levels > 1 && zset->head[zset->levels - 1].next == 0)
        zset->levels--;
}

bool zset_add(struct zset *zset, const struct dict_place *place, struct bytes name, real score) {
    uint8_t levels = random_levels();
    struct zset_node *node = heap_take(links_offset(name.size) + levels * sizeof(struct zset_link));
    if (node == NULL)
        return false;
    *node = (struct zset_node){.common.name_size = (uint32_t)name.size, .score = score, .levels = levels};
    copy_bytes(node->name, name.at, name.size);
    if (!dict_insert(&zset->members, place->hash, node)) {
        heap_give(node);
        return false;
    }
    struct path path;
    search(zset, score, name, &path);
    link_node(zset, node, &path);
    return true;
}

void zset_move(struct zset *zset, struct zset_node *node, real score) {
    const struct zset_node *before = zset_before(node), *next = zset_next(node);
    int64_t order = real_order(score);
    bool stays = (before == NULL || is_before(before, order, zset_name(node))) &&
                 (next == NULL || !is_before(next, order, zset_name(node)));
    if (!stays) {
        struct path path;
        search(zset, node->score, zset_name(node), &path);
        unlink_node(zset, node, &path);
        search(zset, score, zset_name(node), &path);
        link_node(zset, node, &path);
    }
    node->score = score;
}

void zset_remove(struct zset *zset, struct zset_node *node) {
    struct path path;
    struct dict_place place;
    search(zset, node->score, zset_name(node), &path);
    unlink_node(zset, node, &path);
    dict_find(&zset->members, zset_name(node), &place);
    dict_remove(&zset->members, &place);
    heap_give(node);
}

struct zset_node *zset_at(const struct zset *zset, uint64_t rank) {
    if (rank >= zset_members(zset))
        return NULL;
    const struct zset_link *links = zset->head;
    struct zset_node *node = NULL;
    uint64_t left = rank + 1;
    for (uint32_t level = zset->levels; level-- > 0;) {
        while (links[level].next != 0 && links[level].span <= left) {
            left -= links[level].span;
            node = heap_object(links[level].next);
            links = links_of(NULL, node);
        }
        if (left == 0)
            break;
    }
    return node;
}

uint64_t zset_rank(const struct zset *zset, const struct zset_node *node) {
    struct path path;
    search((struct zset *)(uintptr_t)zset, node->score, zset_name(node), &path);
    return path.rank[0];
}

struct zset_node *zset_next(const struct zset_node *node) {
    return node_at(links_of(NULL, (struct zset_node *)(uintptr_t)node)[0].next);
}

struct zset_node *zset_before(const struct zset_node *node) {
    return node_at(node->before);
}

uint64_t zset_count_below(const struct zset *zset, real score, bool and_equal) {
    int64_t limit = real_order(score);
    const struct zset_link *links = zset->head;
    uint64_t count = 0;
    for (uint32_t level = zset->levels; level-- > 0;)
        for (;;) {
            struct zset_node *next = node_at(links[level].next);
            if (next == NULL || !(real_order(next->score) < limit || (and_equal && real_order(next->score) == limit)))
                break;
            count += links[level].span;
            links = links_of(NULL, next);
        }
    return count;
}
