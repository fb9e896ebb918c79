// What concerns one connection.
#include "servers/kv/client.h"
#include "servers/kv/command.h"
#include "servers/kv/server.h"

void command_ping(const struct request *request) {
    if (request->count == 1)
        REPLY("+PONG");
    else if (request->count == 2)
        reply_string(request->words[1]);
    else
        reply_wrong_arity(request);
}

void command_echo(const struct request *request) {
    reply_string(request->words[1]);
}

void command_quit(const struct request *request) {
    (void)request;
    reply_ok();
    if (client_now != NULL)
        client_now->closing = true;
}

void command_select(const struct request *request) {
    int64_t index;
    if (!integer_word(request, 1, &index))
        return;
    if (index != (int32_t)index)
        reply_error("ERR value is out of range, value must between -2147483648 and 2147483647");
    else if (index != 0)
        reply_error("ERR DB index is out of range");
    else
        reply_ok();
}

void command_auth(const struct request *request) {
    if (request->count > 3)
        reply_syntax_error();
    else if (request->count == 3)
        reply_error("WRONGPASS invalid username-password pair or user is disabled.");
    else
        reply_error("ERR AUTH <password> called without any password configured for the default user. "
                    "Are you sure your configuration is correct?");
}

void command_reset(const struct request *request) {
    (void)request;
    if (client_now != NULL)
        client_now->name_size = 0;
    REPLY("+RESET");
}

static bool set_name(struct bytes name) {
    for (size_t i = 0; i < name.size; i++)
        if (name.at[i] < '!' || name.at[i] > '~') {
            reply_error("ERR Client names cannot contain spaces, newlines or special characters.");
            return false;
        }
    if (name.size > CLIENT_NAME_MAX) {
        reply_error("ERR Client names cannot be longer than %d bytes.", CLIENT_NAME_MAX);
        return false;
    }
    if (client_now == NULL)
        return true;
    copy_bytes(client_now->name, name.at, name.size);
    client_now->name_size = (uint8_t)name.size;
    return true;
}

static void reply_pair(const char *name, const char *value) {
    reply_c_string(name);
    reply_c_string(value);
}

void command_hello(const struct request *request) {
    enum { SHOWN_MAX = 128 };
    int64_t version;
    if (request->count > 1) {
        if (!parse_i64(request->words[1], &version)) {
            reply_error("ERR Protocol version is not an integer or out of range");
            return;
        }
        if (version != 2) {
            reply_error("NOPROTO unsupported protocol version");
            return;
        }
    }
    for (uint32_t i = 2; i < request->count; i += 2) {
        if (!word_at_is(request, i, "setname") || i + 1 == request->count) {
            reply_error("ERR Syntax error in HELLO option '%.*s'",
                        (int)(request->words[i].size < SHOWN_MAX ? request->words[i].size : SHOWN_MAX),
                        request->words[i].at);
            return;
        }
        if (!set_name(request->words[i + 1]))
            return;
    }
    reply_list(14);
    reply_pair("server", "skiff-kv");
    reply_pair("version", SERVER_REDIS_VERSION);
    reply_c_string("proto");
    reply_integer(2);
    reply_c_string("id");
    reply_integer(client_now == NULL ? 0 : (int64_t)client_now->number);
    reply_pair("mode", "standalone");
    reply_pair("role", "master");
    reply_c_string("modules");
    reply_list(0);
}

enum { LINE_MAX = 256 }; // what describe() writes is shorter

static size_t describe(const struct client *client, char *text, size_t room) {
    uint32_t ip = client->peer.ipv4;
    return format_text(text, room, "id=%lu addr=%u.%u.%u.%u:%u name=%.*s age=%lu db=0 resp=2\n", client->number,
                       ip >> 24, ip >> 16 & 255, ip >> 8 & 255, ip & 255, client->peer.port, (int)client->name_size,
                       client->name, (unsigned long)((server.now_ns - client->opened_ns) / NS_PER_S));
}

// Each is described twice: to know how long the whole becomes, and to reply it.
static void reply_clients(void) {
    char line[LINE_MAX];
    size_t size = 0;
    for (const struct client *client = clients; client != NULL; client = client->next)
        size += describe(client, line, sizeof line);
    reply_string_head(size);
    for (const struct client *client = clients; client != NULL; client = client->next)
        reply_raw((struct bytes){(uint8_t *)line, describe(client, line, sizeof line)});
    REPLY("");
}

static void reply_own_name(const struct client *client) {
    if (client->name_size == 0)
        reply_null();
    else
        reply_string((struct bytes){client->name, client->name_size});
}

void command_client(const struct request *request) {
    struct client nobody = {.number = 0}, *client = client_now != NULL ? client_now : &nobody;
    char line[LINE_MAX];
    if (is_subcommand(request, "id", 2)) {
        reply_integer((int64_t)client->number);
    } else if (is_subcommand(request, "getname", 2)) {
        reply_own_name(client);
    } else if (is_subcommand(request, "setname", 3)) {
        if (set_name(request->words[2]))
            reply_ok();
    } else if (is_subcommand(request, "setinfo", 4)) {
        reply_ok();
    } else if (is_subcommand(request, "info", 2)) {
        reply_string((struct bytes){(uint8_t *)line, describe(client, line, sizeof line)});
    } else if (is_subcommand(request, "list", 2)) {
        reply_clients();
    } else {
        static const char *const names[] = {"id", "getname", "setname", "setinfo", "info", "list"};
        reply_no_subcommand(request, names, COUNT_OF(names));
    }
}
