// What concerns the whole server.
#include "servers/kv/client.h"
#include "servers/kv/command.h"
#include "servers/kv/heap.h"
#include "servers/kv/log.h"
#include "servers/kv/rewrite.h"
#include "servers/kv/server.h"

static void reply_flag(const char *name) {
    reply_text(TEXT("+"));
    reply_text((struct bytes){(const uint8_t *)name, strlen(name)});
    REPLY("");
}

// As Redis 7 describes a command; the last four lists, of categories, tips, key specifications and subcommands, are empty.
static void describe(const struct command *command) {
    static const char *const names[] = {"readonly", "write", "denyoom", "fast"};
    if (command == NULL) {
        reply_no_list();
        return;
    }
    reply_list(10);
    reply_c_string(command->name);
    reply_integer(command->arity);
    uint64_t flags = 0;
    for (unsigned bit = 0; bit < COUNT_OF(names); bit++)
        flags += command->flags >> bit & 1;
    reply_list(flags);
    for (unsigned bit = 0; bit < COUNT_OF(names); bit++)
        if (command->flags & 1u << bit)
            reply_flag(names[bit]);
    reply_integer(command->first_key);
    reply_integer(command->last_key);
    reply_integer(command->key_step);
    for (int i = 0; i < 4; i++)
        reply_list(0);
}

static void describe_all(void) {
    reply_list(command_table_size);
    for (size_t i = 0; i < command_table_size; i++)
        describe(&command_table[i]);
}

void command_command(const struct request *request) {
    if (request->count == 1 || is_subcommand(request, "info", 2)) {
        describe_all();
    } else if (is_subcommand(request, "info", -3)) {
        reply_list(request->count - 2);
        for (uint32_t i = 2; i < request->count; i++)
            describe(command_find(request->words[i]));
    } else if (is_subcommand(request, "count", 2)) {
        reply_integer((int64_t)command_table_size);
    } else if (is_subcommand(request, "list", 2)) {
        reply_list(command_table_size);
        for (size_t i = 0; i < command_table_size; i++)
            reply_c_string(command_table[i].name);
    } else if (is_subcommand(request, "docs", -2)) {
        reply_list(0);
    } else {
        static const char *const names[] = {"count", "list"};
        reply_no_subcommand(request, names, COUNT_OF(names));
    }
}

struct parameter {
    const char *name, *value;
    uint64_t number; // where `value` is NULL
};

static void get_parameters(const struct request *request) {
    const struct parameter parameters[] = {
        {"appendfsync", "always", 0},
        {"appendonly", log_on ? "yes" : "no", 0},
        {"databases", "1", 0},
        {"maxmemory", NULL, server.memory_max},
        {"maxmemory-policy", "noeviction", 0},
        {"port", NULL, server.port},
        {"proto-max-bulk-len", NULL, REQUEST_BULK_MAX},
        {"save", "", 0},
        {"timeout", "0", 0},
    };
    bool wanted[COUNT_OF(parameters)] = {false};
    uint64_t count = 0;
    for (size_t i = 0; i < COUNT_OF(parameters); i++) {
        struct bytes name = {(const uint8_t *)parameters[i].name, strlen(parameters[i].name)};
        for (uint32_t word = 2; word < request->count; word++)
            wanted[i] |= glob_matches(request->words[word], name);
        count += wanted[i];
    }
    reply_list(2 * count);
    for (size_t i = 0; i < COUNT_OF(parameters); i++) {
        if (!wanted[i])
            continue;
        reply_c_string(parameters[i].name);
        if (parameters[i].value != NULL)
            reply_c_string(parameters[i].value);
        else
            reply_integer_string((int64_t)parameters[i].number);
    }
}

static void set_parameter(const struct request *request) {
    uint64_t bytes;
    if (request->count != 4 || !word_at_is(request, 2, "maxmemory")) {
        reply_error("ERR Unknown option or number of arguments for CONFIG SET - only maxmemory can be set");
    } else if (!parse_u64(request->words[3], &bytes)) {
        reply_error(
            "ERR CONFIG SET failed (possibly related to argument 'maxmemory') - argument must be a memory value");
    } else {
        server.memory_max = bytes;
        reply_ok();
    }
}

void command_config(const struct request *request) {
    if (is_subcommand(request, "get", -3)) {
        get_parameters(request);
    } else if (is_subcommand(request, "set", -4)) {
        set_parameter(request);
    } else if (is_subcommand(request, "resetstat", 2)) {
        server.commands = server.hits = server.misses = keys_expired = 0;
        reply_ok();
    } else {
        static const char *const names[] = {"get", "set", "resetstat"};
        reply_no_subcommand(request, names, COUNT_OF(names));
    }
}

struct text {
    char at[2048];
    size_t used;
};

static void write_line(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void write_line(struct text *text, const char *format, ...) {
    va_list args;
    va_start(args, format);
    size_t room = sizeof text->at - text->used - 2;
    size_t size = format_text_args(text->at + text->used, room, format, args);
    va_end(args);
    text->used += size < room ? size : room - 1;
    text->at[text->used++] = '\r';
    text->at[text->used++] = '\n';
}

static bool wants_section(const struct request *request, const char *name) {
    bool wanted = request->count == 1;
    for (uint32_t i = 1; i < request->count; i++)
        wanted |= word_at_is(request, i, name) || word_at_is(request, i, "all") || word_at_is(request, i, "default") ||
                  word_at_is(request, i, "everything");
    return wanted;
}

static bool begin_section(struct text *text, const struct request *request, const char *name, const char *title) {
    if (!wants_section(request, name))
        return false;
    if (text->used > 0)
        write_line(text, "%s", "");
    write_line(text, "# %s", title);
    return true;
}

static void write_log_lines(struct text *text) {
    struct log_facts facts = log_facts();
    write_line(text, "loading:0");
    write_line(text, "aof_enabled:%u", log_on);
    if (!log_on)
        return;
    write_line(text, "aof_rewrite_in_progress:%u", log_rewriting != 0);
    write_line(text, "aof_current_size:%lu", facts.blocks * facts.block_bytes);
    write_line(text, "aof_size_max:%lu", facts.blocks_max * facts.block_bytes);
    write_line(text, "aof_generation:%lu", facts.generation);
    write_line(text, "aof_records:%lu", facts.records);
}

void command_info(const struct request *request) {
    static struct text text;
    text.used = 0;
    if (begin_section(&text, request, "server", "Server")) {
        write_line(&text, "redis_version:" SERVER_REDIS_VERSION);
        write_line(&text, "server_name:skiff-kv");
        write_line(&text, "redis_mode:standalone");
        write_line(&text, "arch_bits:64");
        write_line(&text, "tcp_port:%u", server.port);
        write_line(&text, "uptime_in_seconds:%lu", (unsigned long)((server.now_ns - server.started_ns) / NS_PER_S));
    }
    if (begin_section(&text, request, "clients", "Clients"))
        write_line(&text, "connected_clients:%u", clients_count);
    if (begin_section(&text, request, "memory", "Memory")) {
        write_line(&text, "used_memory:%zu", heap_used());
        write_line(&text, "used_memory_peak:%zu", heap_used_max());
        write_line(&text, "total_system_memory:%zu", heap_bytes());
        write_line(&text, "maxmemory:%zu", server.memory_max);
        write_line(&text, "maxmemory_policy:noeviction");
    }
    if (begin_section(&text, request, "persistence", "Persistence"))
        write_log_lines(&text);
    if (begin_section(&text, request, "stats", "Stats")) {
        write_line(&text, "total_connections_received:%lu", server.connections);
        write_line(&text, "total_commands_processed:%lu", server.commands);
        write_line(&text, "expired_keys:%lu", keys_expired);
        write_line(&text, "keyspace_hits:%lu", server.hits);
        write_line(&text, "keyspace_misses:%lu", server.misses);
        write_line(&text, "total_error_replies:%lu", reply_errors);
    }
    if (begin_section(&text, request, "replication", "Replication"))
        write_line(&text, "role:master");
    if (begin_section(&text, request, "keyspace", "Keyspace") && keys.entries > 0)
        write_line(&text, "db0:keys=%lu,expires=%u,avg_ttl=0", keys.entries, deadline_count());
    reply_string((struct bytes){(uint8_t *)text.at, text.used});
}

void command_time(const struct request *request) {
    uint64_t us = solo5_clock_wall() / 1000;
    (void)request;
    reply_list(2);
    reply_integer_string((int64_t)(us / 1000000));
    reply_integer_string((int64_t)(us % 1000000));
}

void command_bgrewriteaof(const struct request *request) {
    (void)request;
    if (!log_on)
        reply_error("ERR this server keeps no log");
    else if (rewrite_start())
        REPLY("+Background append only file rewriting started");
    else
        reply_error("ERR Background append only file rewriting already in progress");
}

void command_shutdown(const struct request *request) {
    for (uint32_t i = 1; i < request->count; i++)
        if (!word_at_is(request, i, "nosave") && !word_at_is(request, i, "save") && !word_at_is(request, i, "now") &&
            !word_at_is(request, i, "force")) {
            reply_syntax_error();
            return;
        }
    server.stopping = true;
}
