// Responses, written into the send buffer.
#ifndef RESPONSE_H
#define RESPONSE_H

#include "servers/httpd/request.h"
#include "servers/httpd/server.h"

// Brings the Date line up to date: once a second.
void response_tick(struct server *server);

// Answers a request that is well-formed: the head of the response, or all of it where that has no content, is written
// and connection->file, next_byte and end_byte say what is to follow. False: the send buffer has no room, and nothing
// happened.
bool response_begin(struct connection *connection, const struct request *request);

// Answers with an error that says no more than its status, and closes. False: as above.
bool response_refuse(struct connection *connection, int status);

// Sends more of the content. False: the disk failed; the response cannot be ended.
bool response_continue(struct connection *connection);

#endif
