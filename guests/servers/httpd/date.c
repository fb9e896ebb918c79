#include "servers/httpd/date.h"

#define DAY_SECONDS 86400u
#define LAST_SECOND 253402300799u // 9999-12-31T23:59:59Z

static const char day_names[] = "SunMonTueWedThuFriSat";
static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

struct date {
    unsigned year, month, day; // month and day from 1
    unsigned hour, minute, second;
};

// Days are counted in a calendar whose years begin in March, so that a leap day is a year's last; 400 years have 146097
// days. See "Euclidean affine functions and their application to calendar algorithms" (Neri and Schneider, 2023).
static uint64_t days_of(const struct date *date) {
    uint64_t year = date->year - (date->month <= 2);
    uint64_t month = date->month + (date->month <= 2 ? 9 : (uint64_t)-3); // 0: March
    uint64_t day_of_year = (153 * month + 2) / 5 + date->day - 1;
    uint64_t days = year * 365 + year / 4 - year / 100 + year / 400 + day_of_year;
    return days - 719468; // 1970-01-01, counted from 0000-03-01
}

static uint64_t seconds_of(const struct date *date) {
    return days_of(date) * DAY_SECONDS + date->hour * 3600u + date->minute * 60u + date->second;
}

static struct date date_of(uint64_t seconds) {
    uint64_t days = seconds / DAY_SECONDS + 719468, rest = seconds % DAY_SECONDS;
    uint64_t era = days / 146097, day_of_era = days % 146097;
    uint64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    uint64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint64_t month = (5 * day_of_year + 2) / 153; // 0: March
    return (struct date){
        .year = (unsigned)(era * 400 + year_of_era + (month >= 10)),
        .month = (unsigned)(month < 10 ? month + 3 : month - 9),
        .day = (unsigned)(day_of_year - (153 * month + 2) / 5 + 1),
        .hour = (unsigned)(rest / 3600),
        .minute = (unsigned)(rest / 60 % 60),
        .second = (unsigned)(rest % 60),
    };
}

static char *put_digits(char *to, unsigned value, int digits) {
    for (int i = digits - 1; i >= 0; i--, value /= 10)
        to[i] = (char)('0' + value % 10);
    return to + digits;
}

static char *put_text(char *to, const char *text, size_t size) {
    memcpy(to, text, size);
    return to + size;
}

void date_format(uint64_t seconds, char to[DATE_BYTES]) {
    if (seconds > LAST_SECOND)
        seconds = LAST_SECOND;
    struct date date = date_of(seconds);
    uint64_t day_of_week = (seconds / DAY_SECONDS + 4) % 7; // 1970-01-01 was a Thursday
    to = put_text(to, day_names + 3 * day_of_week, 3);
    to = put_text(to, ", ", 2);
    to = put_digits(to, date.day, 2);
    *to++ = ' ';
    to = put_text(to, month_names + 3 * (date.month - 1), 3);
    *to++ = ' ';
    to = put_digits(to, date.year, 4);
    *to++ = ' ';
    to = put_digits(to, date.hour, 2);
    *to++ = ':';
    to = put_digits(to, date.minute, 2);
    *to++ = ':';
    to = put_digits(to, date.second, 2);
    put_text(to, " GMT", 4);
}

// Reads `text` by a pattern: W a weekday's short name, L its long name, N a month's name, d a digit, D a digit or a
// blank; anything else stands for itself. Digits go to the fields in the order in which `digits` names them.
struct pattern {
    const char *form;
    const char *digits;
};

static const struct pattern patterns[] = {
    {"W, dd N dddd dd:dd:dd GMT", "ddyyyyhhmmss"}, // IMF-fixdate
    {"L, dd-N-dd dd:dd:dd GMT", "ddzzhhmmss"},     // RFC 850
    {"W N Dd dd:dd:dd dddd", "ddhhmmssyyyy"},      // asctime
};

static int find_name(const char *names, int count, struct slice text) {
    for (int i = 0; i < count; i++)
        if (text.size >= 3 && memcmp(names + 3 * i, text.at, 3) == 0)
            return i;
    return -1;
}

static size_t long_day_size(struct slice text) {
    static const struct slice names[] = {SLICE("sunday"),   SLICE("monday"), SLICE("tuesday"), SLICE("wednesday"),
                                         SLICE("thursday"), SLICE("friday"), SLICE("saturday")};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (text.size > names[i].size && slice_is((struct slice){text.at, names[i].size}, names[i]))
            return names[i].size;
    return 0;
}

static unsigned *part_of(struct date *date, char letter) {
    switch (letter) {
    case 'd':
        return &date->day;
    case 'h':
        return &date->hour;
    case 'm':
        return &date->minute;
    case 's':
        return &date->second;
    default:
        return &date->year;
    }
}

static bool read_pattern(struct slice text, const struct pattern *pattern, struct date *date) {
    const char *digits = pattern->digits;
    *date = (struct date){0};
    for (const char *form = pattern->form; *form != '\0'; form++) {
        size_t size = 1;
        if (text.size == 0)
            return false;
        char letter = text.at[0];
        if (*form == 'W') {
            size = find_name(day_names, 7, text) < 0 ? 0 : 3;
        } else if (*form == 'L') {
            size = long_day_size(text);
        } else if (*form == 'N') {
            date->month = (unsigned)find_name(month_names, 12, text) + 1;
            size = date->month == 0 ? 0 : 3;
        } else if (*form == 'd' || (*form == 'D' && letter != ' ')) {
            unsigned *part = part_of(date, *digits++);
            *part = *part * 10 + (unsigned)(letter - '0');
            size = is_digit(letter);
        } else if (*form == 'D') {
            digits++;
        } else {
            size = letter == *form;
        }
        if (size == 0)
            return false;
        text = (struct slice){text.at + size, text.size - size};
    }
    return text.size == 0;
}

static bool is_sound(const struct date *date) {
    static const uint8_t month_days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return date->day >= 1 && date->day <= month_days[date->month - 1] && date->hour < 24 && date->minute < 60 &&
           date->second <= 60;
}

bool date_parse(struct slice text, uint64_t now_seconds, uint64_t *seconds) {
    struct date date;
    for (size_t i = 0; i < COUNT_OF(patterns); i++) {
        if (!read_pattern(text, &patterns[i], &date))
            continue;
        if (patterns[i].digits[2] == 'z') {
            unsigned limit = date_of(now_seconds).year + 50;
            date.year += limit / 100 * 100;
            if (date.year > limit)
                date.year -= 100;
        }
        if (!is_sound(&date))
            return false;
        *seconds = date.year < 1970 ? 0 : seconds_of(&date);
        return true;
    }
    return false;
}
