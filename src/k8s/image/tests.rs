use super::*;

const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn image(text: &str) -> Image<'_> {
    Image::parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

fn pattern(text: &str) -> ImagePattern {
    ImagePattern::parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

#[test]
fn references_are_normalised() {
    let rows = [
        ("python", "docker.io/library/python"),
        ("python:3.11", "docker.io/library/python:3.11"),
        (
            "rayproject/ray:2.52.1-py311-gpu",
            "docker.io/rayproject/ray:2.52.1-py311-gpu",
        ),
        ("docker.io/python", "docker.io/library/python"),
        ("index.docker.io/rayproject/ray", "docker.io/rayproject/ray"),
        ("localhost/app", "localhost/app"),
        ("localhost:5000/app:v1", "localhost:5000/app:v1"),
        ("localhost:5000", "docker.io/library/localhost:5000"),
        ("registry:5000/app", "registry:5000/app"),
        ("[::1]:5000/app", "[::1]:5000/app"),
        ("Registry/app", "Registry/app"),
        ("a/b__c/d---e", "docker.io/a/b__c/d---e"),
    ];
    for (text, normalised) in rows {
        assert_eq!(image(text).to_string(), normalised, "{text}");
    }
    let text = format!("ghcr.io/my-org/app:v1@{DIGEST}");
    let image = image(&text);
    assert_eq!((image.registry(), image.repository()), ("ghcr.io", "my-org/app"));
    assert_eq!((image.tag(), image.digest()), (Some("v1"), Some(DIGEST)));
}

#[test]
fn errors_name_the_part_that_is_wrong() {
    let id = "a".repeat(64);
    let long = format!("x/{}", "a".repeat(254));
    let tag = format!("a:{}", "t".repeat(129));
    let digest = format!("a@{}", DIGEST.to_uppercase());
    type IsExpected = fn(&ImageError) -> bool;
    let rows: [(&str, IsExpected); 16] = [
        ("", |error| *error == ImageError::Empty),
        (&id, |error| matches!(error, ImageError::Id { .. })),
        ("-a.b/c", |error| matches!(error, ImageError::Registry { .. })),
        ("a.b:/c", |error| matches!(error, ImageError::Registry { .. })),
        ("https://ghcr.io/app", |error| {
            matches!(error, ImageError::Registry { .. })
        }),
        ("ghcr.io/app/", |error| {
            matches!(error, ImageError::EmptyComponent { .. })
        }),
        ("ghcr.io//app", |error| {
            matches!(error, ImageError::EmptyComponent { .. })
        }),
        (":v1", |error| matches!(error, ImageError::EmptyComponent { .. })),
        ("ghcr.io/My-Org/app", |error| {
            matches!(error, ImageError::UpperCase { .. })
        }),
        ("a..b", |error| matches!(error, ImageError::Component { .. })),
        ("a ", |error| matches!(error, ImageError::Component { .. })),
        (&long, |error| matches!(error, ImageError::TooLong { length: 256, .. })),
        ("app:", |error| matches!(error, ImageError::Tag { .. })),
        (&tag, |error| matches!(error, ImageError::Tag { .. })),
        (&digest, |error| matches!(error, ImageError::Digest { .. })),
        ("a@sha1:0123456789012345678901234567890123456789", |error| {
            matches!(error, ImageError::Digest { .. })
        }),
    ];
    for (text, is_expected) in rows {
        let error = Image::parse(text).expect_err(text);
        assert!(is_expected(&error), "{text:?}: {error}");
        assert!(
            !error.to_string().contains('\n') && error.to_string().len() < 300,
            "{error}"
        );
    }
    assert_eq!(
        Image::parse("ghcr.io/My-Org/app").unwrap_err().to_string(),
        "cannot read `ghcr.io/My-Org/app` as an image: `My-Org` has upper case letters, repositories are lower case"
    );
}

#[test]
fn patterns_cover_whole_references_only() {
    let rows = [
        ("ghcr.io/my-org/**", "ghcr.io/my-org/app", true),
        ("ghcr.io/my-org/**", "ghcr.io/my-org/team/app:v1", true),
        ("ghcr.io/my-org/**", "ghcr.io/my-org", false),
        ("ghcr.io/my-org/**", "ghcr.io/my-organisation/app", false),
        ("ghcr.io/my-org/**", "evil.io/ghcr.io/my-org/app", false),
        ("ghcr.io/my-org/**", "ghcr.io.evil.io/my-org/app", false),
        ("ghcr.io/my-org/**", "ghcr.io:443/my-org/app", false),
        ("ghcr.io/my-org/**", "my-org/app", false),
        ("ghcr.io/my-org/**", "GHCR.io/my-org/app", true),
        ("ghcr.io/my-org", "ghcr.io/my-org", true),
        ("ghcr.io/my-org", "ghcr.io/my-organisation/x", false),
        ("ghcr.io/my-org", "ghcr.io/my-org/x", false),
        ("ghcr.io/my-org/*", "ghcr.io/my-org/a/b", false),
        ("ghcr.io/*/app", "ghcr.io/my-org/app", true),
        ("ghcr.io/**/app", "ghcr.io/app", true),
        ("ghcr.io/**/app", "ghcr.io/a/b/app", true),
        ("ghcr.io/**/app", "ghcr.io/a/b/app/c", false),
        ("ghcr.io/**/a/**/b", "ghcr.io/a/x/a/b", true),
        ("ghcr.io/**/a/**/b", "ghcr.io/x/b/a", false),
        ("docker.io/library/python", "python", true),
        ("docker.io/library/python", "index.docker.io/library/python:3", true),
        ("docker.io/library/python", "ghcr.io/library/python", false),
        ("docker.io/python", "python", true),
        ("index.docker.io/python", "python", true),
        ("Docker.io/python", "python", true),
        ("python", "docker.io/library/python", true),
        ("docker.io/*", "python", true),
        ("docker.io/*", "rayproject/ray", false),
        ("docker.io/**", "rayproject/ray", true),
        ("rayproject/ray*", "rayproject/ray-ml", true),
        ("rayproject/ray*", "rayproject/ray/ml", false),
        (
            "*.dkr.ecr.*.amazonaws.com/team/*",
            "1234.dkr.ecr.eu-west-1.amazonaws.com/team/app",
            true,
        ),
        (
            "*.dkr.ecr.*.amazonaws.com/team/*",
            "1234.dkr.ecr.eu-west-1.amazonaws.com/other/app",
            false,
        ),
        (
            "*.dkr.ecr.*.amazonaws.com/team/*",
            "1234.dkr.ecr.eu-west-1.amazonaws.com.evil.io/team/app",
            false,
        ),
        (
            "*.dkr.ecr.*.amazonaws.com/team/*",
            "evil.io/1.dkr.ecr.eu.amazonaws.com/team/app",
            false,
        ),
        ("localhost:5000/*", "localhost:5000/app", true),
        ("localhost:5000/*", "localhost:5001/app", false),
        ("registry.*/app", "registry.io/app", true),
        ("registry.*/app", "registry.io:5000/app", false),
        ("[::1]:5000/**", "[::1]:5000/a/b", true),
        ("**", "python", true),
        (
            "**",
            "evil.io/x/y@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
            true,
        ),
        ("**/team/*", "ghcr.io/team/app", true),
        ("**/team/*", "ghcr.io/x/team/app", true),
        ("**/team/*", "team/app", true),
        ("**/team/*", "team/app/x", false),
    ];
    for (text, reference, expected) in rows {
        assert_eq!(
            pattern(text).matches(&image(reference)),
            expected,
            "{text} over {reference}"
        );
    }
}

#[test]
fn a_tag_counts_only_where_a_runtime_uses_it() {
    let pinned = format!("python:3.11@{DIGEST}");
    let untagged = format!("python@{DIGEST}");
    let exact = format!("python@{DIGEST}");
    let rows = [
        ("python:3.*", "python:3.11", true),
        ("python:3.*", "python:2.7", false),
        ("python:3.*", "python", false),
        ("python:latest", "python", true),
        ("python:l*t", "python", true),
        ("python:Latest", "python:latest", false),
        ("python:3.*", &pinned, false),
        ("python:latest", &untagged, false),
        ("python:*", &untagged, false),
        ("python", &pinned, true),
        ("python:3.*@sha256:*", &pinned, true),
        ("python:3.*@sha256:*", &untagged, false),
        ("python@sha256:*", &untagged, true),
        ("python@sha256:*", "python:3.11", false),
        ("python@sha512:*", &untagged, false),
        (&exact, &pinned, true),
        (&exact, "python", false),
        ("**:3.11", "ghcr.io/a/python:3.11", true),
        ("**:3.11", "ghcr.io/a/python:3.12", false),
        ("**@sha256:*", &pinned, true),
    ];
    for (text, reference, expected) in rows {
        assert_eq!(
            pattern(text).matches(&image(reference)),
            expected,
            "{text} over {reference}"
        );
    }
}

#[test]
fn unclear_patterns_are_refused_with_a_way_out() {
    let rows = [
        ("", "it is empty; `**` is any image"),
        (
            "*",
            "`*` alone is unclear; write `**` for any image, or `docker.io/library/*`",
        ),
        (
            "*/app",
            "`*` may be a registry or Docker Hub's namespace; write `**/` for any registry, or `docker.io/*/`",
        ),
        (
            "ghcr.io",
            "it names no repository; write `ghcr.io/**` for all of that registry",
        ),
        (
            "localhost",
            "it names no repository; write `localhost/**` for all of that registry",
        ),
        (
            "ghcr.io/",
            "a slash needs a name on both sides; `/**` at the end covers all below it",
        ),
        ("https://ghcr.io/a", "a reference has no scheme; write `ghcr.io/a`"),
        (
            "ghcr.io/a**",
            "`**` stands for whole components, so `a**` must be split by slashes",
        ),
        (
            "ghcr.io/My-Org/*",
            "`My-Org` has upper case letters, repositories are lower case",
        ),
        ("ghcr.io/a?", "`a?` may have only a-z 0-9 . _ - and the wildcard *"),
        ("**.io/a", "`**.io` is not a registry's host name with an optional port"),
        ("a.b:x/a", "`a.b:x` is not a registry's host name with an optional port"),
        (
            "python:",
            "the tag `` may have only A-Z a-z 0-9 _ . - and the wildcard *",
        ),
        (
            "python@sha256:ab*",
            "the digest `sha256:ab*` must be complete, or `sha256:*` for any",
        ),
        ("python@*", "the digest `*` must be complete, or `sha256:*` for any"),
    ];
    for (text, problem) in rows {
        let expected = format!("cannot read `{text}` as an image pattern: {problem}");
        assert_eq!(ImagePattern::parse(text).expect_err(text).to_string(), expected);
    }
}

#[test]
fn many_stars_take_no_more_than_polynomial_time() {
    let stars = format!("ghcr.io/{}b", "a*".repeat(120));
    let long = format!("ghcr.io/{}", "a".repeat(250));
    assert!(!pattern(&stars).matches(&image(&long)));
    let components = format!("ghcr.io/{}b", "**/a/".repeat(60));
    let deep = format!("ghcr.io/{}a", "a/".repeat(127));
    assert!(!pattern(&components).matches(&image(&deep)));
}
