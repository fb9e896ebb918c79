#include "net/net.h"

void ethernet_input(struct net *net, uint8_t *frame, size_t frame_bytes) {
    if (frame_bytes < ETHERNET_HEADER_BYTES)
        return;
    bool group = (frame[0] & 1) != 0; // multicast or broadcast
    if (!group && memcmp(frame, net->ethernet.bytes, sizeof net->ethernet) != 0)
        return;
    const uint8_t *packet = frame + ETHERNET_HEADER_BYTES;
    size_t packet_bytes = frame_bytes - ETHERNET_HEADER_BYTES;
    switch (load_be16(frame + 12)) {
    case ETHERNET_TYPE_IPV4:
        ipv4_input(net, packet, packet_bytes, group);
        break;
    case ETHERNET_TYPE_ARP:
        arp_input(net, packet, packet_bytes);
        break;
    }
}

void ethernet_output(struct net *net, uint8_t *frame, size_t frame_bytes, struct ethernet_address to, uint16_t type) {
    memcpy(frame, to.bytes, 6);
    memcpy(frame + 6, net->ethernet.bytes, 6);
    store_be16(frame + 12, type);
    net->counters.frames_out++;
    net->device.write(net->device.context, frame, frame_bytes);
}
