//! Schedules, durations and names of time zones: by the grammar, nearly by the grammar, and at its ends.

use crate::random::Random;

const NAMED: [&str; 12] = [
    "@yearly",
    "@annually",
    "@monthly",
    "@weekly",
    "@daily",
    "@midnight",
    "@hourly",
    "@every 1h",
    "@every",
    "@reboot",
    "@Daily",
    "@every  1h",
];
const VALUES: [&str; 30] = [
    "*",
    "*",
    "?",
    "0",
    "1",
    "5",
    "6",
    "7",
    "12",
    "13",
    "23",
    "24",
    "28",
    "31",
    "32",
    "59",
    "60",
    "-1",
    "+3",
    "007",
    "jan",
    "DEC",
    "mon",
    "Sun",
    "sunday",
    "",
    "L",
    "x",
    "9223372036854775807",
    "9223372036854775808",
];
const STEPS: [&str; 10] = [
    "/1",
    "/2",
    "/5",
    "/15",
    "/0",
    "/",
    "/x",
    "/-1",
    "/100",
    "/9223372036854775807",
];
const SPACES: [&str; 8] = [" ", " ", " ", " ", "  ", "\t", "\u{a0}", "\u{2028}"];
const SCHEDULE_ALPHABET: &str = "0123456789*?/-, @LWTZ=abcİK\u{130}";
const ZONES: [&str; 8] = [
    "",
    "",
    "",
    "",
    "TZ=UTC ",
    "CRON_TZ=Europe/Berlin ",
    "TZ=Nowhere ",
    "TZ=",
];

pub fn schedules(random: &mut Random, count: usize) -> Vec<String> {
    let mut texts: Vec<String> = NAMED.iter().map(|&text| text.to_owned()).collect();
    texts.extend(["", " ", "TZ=UTC", "TZ=UTC ", "@", "*,* * * * *", ", , , , ,"].map(str::to_owned));
    while texts.len() < count {
        let mut text = match random.below(8) {
            0 => format!("@every {}", duration(random)),
            1 => random.pick(&NAMED).to_owned(),
            2 => rare(random),
            _ => schedule(random),
        };
        if random.one_in(4) {
            text = random.mutate(&text, SCHEDULE_ALPHABET);
        }
        texts.push(text);
    }
    texts
}

/// Days that few months have, or none.
fn rare(random: &mut Random) -> String {
    let day = random.pick(&["29", "30", "31", "30-31", ","]);
    let month = random.pick(&["2", "feb", "2,4", "4,6,9,11", "*", ","]);
    let weekday = random.pick(&["*", "*", "?", "*/2", "1", ","]);
    format!("0 0 {day} {month} {weekday}")
}

fn schedule(random: &mut Random) -> String {
    // In half of the schedules, each part by itself is right.
    let is_fine = random.one_in(2);
    let fields = if is_fine { 5 } else { 4 + random.below(3) };
    let mut text = if is_fine {
        String::new()
    } else {
        random.pick(&ZONES).to_owned()
    };
    for at in 0..fields {
        if at > 0 {
            text.push_str(if is_fine { " " } else { random.pick(&SPACES) });
        }
        for range in 0..=random.below(2) {
            if range > 0 {
                text.push(',');
            }
            text.push_str(&if is_fine {
                fine_range(random, at)
            } else {
                self::range(random)
            });
        }
    }
    text
}

fn range(random: &mut Random) -> String {
    let mut text = random.pick(&VALUES).to_owned();
    for _ in 0..[0, 0, 1, 1, 2][random.below(5)] {
        text.push('-');
        text.push_str(random.pick(&VALUES));
    }
    for _ in 0..[0, 0, 0, 1, 1, 2][random.below(6)] {
        text.push_str(random.pick(&STEPS));
    }
    text
}

fn fine_range(random: &mut Random, field: usize) -> String {
    let (min, max) = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 6)][field];
    let low = min + random.below(max - min + 1);
    let mut text = match random.below(5) {
        0 | 1 => "*".to_owned(),
        2 => low.to_string(),
        3 if field == 3 => ["jan", "FEB", "Jun", "dec"][random.below(4)].to_owned(),
        3 if field == 4 => ["sun", "MON", "Sat"][random.below(3)].to_owned(),
        _ => format!("{low}-{}", low + random.below(max - low + 1)),
    };
    if random.one_in(3) {
        text.push_str(&format!("/{}", 1 + random.below(70)));
    }
    text
}

const UNITS: [&str; 14] = ["ns", "us", "µs", "μs", "ms", "s", "s", "m", "m", "h", "h", "d", "S", ""];
const DURATION_ALPHABET: &str = "0123456789.+-hmsnuµ e";
const AMOUNTS: [&str; 14] = [
    "0",
    "1",
    "30",
    "90",
    "00",
    ".5",
    "1.5",
    "5.",
    ".",
    "",
    "2562047",
    "9223372036854775807",
    "9223372036854775808",
    "1.00000000000000000000000000001",
];

pub fn durations(random: &mut Random, count: usize) -> Vec<String> {
    let mut texts: Vec<String> = [
        "",
        "0",
        "-0",
        "+",
        "300",
        "-300",
        "+300",
        "1_000",
        "9223372036854775808",
    ]
    .map(str::to_owned)
    .to_vec();
    while texts.len() < count {
        let mut text = duration(random);
        if random.one_in(4) {
            text = random.mutate(&text, DURATION_ALPHABET);
        }
        texts.push(text);
    }
    texts
}

fn duration(random: &mut Random) -> String {
    let mut text = random.pick(&["", "", "", "", "-", "+"]).to_owned();
    for _ in 0..=random.below(3) {
        if random.one_in(2) {
            let length = [1, 2, 4, 17, 20][random.below(5)];
            text.push_str(&random.text("0123456789", length));
            if random.one_in(3) {
                let length = random.below(22);
                text.push('.');
                text.push_str(&random.text("0123456789", length));
            }
        } else {
            text.push_str(random.pick(&AMOUNTS));
        }
        text.push_str(random.pick(&UNITS));
    }
    text
}

/// Every name of the bundled database and words that are none; each also with changes of letters and case.
pub fn zones(random: &mut Random) -> Vec<String> {
    let database = jiff::tz::TimeZoneDatabase::bundled();
    let mut names: Vec<String> = database.available().map(|name| name.as_str().to_owned()).collect();
    names.extend(
        [
            "", "UTC", "Local", "local", "utc", "Z", "EST5EDT", "Europe", "Europe/", "../UTC", "/UTC", "a/../UTC",
            "UTC\0", "\\UTC", "ä",
        ]
        .map(str::to_owned),
    );
    let changed: Vec<String> = names.iter().map(|name| random.mutate(name, "abcABC/_-+. 0")).collect();
    let lower: Vec<String> = names.iter().map(|name| name.to_lowercase()).collect();
    names.extend(changed);
    names.extend(lower);
    names
}

const PIECES: [&str; 44] = [
    "a",
    "b",
    "name",
    "1",
    "-1",
    "1.5",
    "010",
    "1_000",
    "1e3",
    "yes",
    "off",
    "true",
    "null",
    "~",
    "2020-01-01",
    "0x1f",
    "x y",
    ": ",
    ": ",
    ":",
    "- ",
    "- ",
    "\n",
    "\n",
    "\n  ",
    "\n    ",
    "\t",
    "[",
    "]",
    "{",
    "}",
    ", ",
    "&x ",
    "*x",
    "<<: ",
    "\"",
    "'",
    " # c\n",
    "|\n  ",
    ">\n  ",
    "---\n",
    "...\n",
    "é",
    "!!str ",
];

/// Mappings of YAML with values of all styles.
pub fn documents(random: &mut Random, count: usize) -> Vec<String> {
    (0..count).map(|_| document(random, 0)).collect()
}

/// Such mappings, changed at a few places, and pieces of YAML one after the other.
pub fn broken_documents(random: &mut Random, count: usize) -> Vec<String> {
    let broken = |random: &mut Random| {
        if random.one_in(2) {
            return (0..random.below(14)).map(|_| random.pick(&PIECES)).collect();
        }
        let text = document(random, 0);
        random.mutate(&text, "\t\n :-[]{},#'\"&*!|>ab1")
    };
    (0..count).map(|_| broken(random)).collect()
}

fn document(random: &mut Random, depth: usize) -> String {
    let indent = "  ".repeat(depth);
    let mut text = String::new();
    for _ in 0..=random.below(3) {
        let key = random.pick(&["a", "b", "name", "applications", "\"q\"", "'s'", "k 1"]);
        let value = match random.below(9) {
            0 if depth < 3 => format!("\n{}", document(random, depth + 1)),
            1 if depth < 3 => format!("\n{indent}- x: 1\n{indent}  w: 2\n{indent}- z\n"),
            2 => " [1, two, {a: b}]\n".to_owned(),
            3 => " {a: 1, b: [c]}\n".to_owned(),
            4 => format!(" |\n{indent}  line\n{indent}  two\n"),
            5 => " \"quoted \\u00e9\"\n".to_owned(),
            _ => format!(
                " {}\n",
                random.pick(&[
                    "!!binary aGVsbG8=",
                    "!!binary not base64",
                    "!!binary \"aGk\"",
                    "!!int 7",
                    "!!int seven",
                    "!!int '0x1f'",
                    "!!int 1.5",
                    "!!int 1_000",
                    "!!float 1",
                    "!!float .5",
                    "!!float half",
                    "!!timestamp 2026-01-02",
                    "!!timestamp later",
                    "!!timestamp 2026-1-2T3:04:05Z",
                    "!!bool yes",
                    "!!bool maybe",
                    "!!null ~",
                    "!!null 0",
                    "!!str 1",
                    "1",
                    "0.5",
                    "1",
                    "0.5",
                    "1",
                    "0.5",
                    "text",
                    "true",
                    "text",
                    "true",
                    "text",
                    "true",
                    "1",
                    "0.5",
                    "text",
                    "true",
                    "yes",
                    "null",
                    "",
                    "1e3",
                    "010",
                    "a: b",
                    "it's",
                    "x # c"
                ])
            ),
        };
        text.push_str(&format!("{indent}{key}:{value}"));
    }
    text
}
