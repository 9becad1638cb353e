//! The files of the page. `web/` has their sources, and `npm run build` there makes them: a build of raygate needs no Node.

/// The page. `{{token}}` and `{{nonce}}` stand for the secrets of a start and of an answer.
pub(super) const INDEX: &str = include_str!("../../web/dist/index.html");

/// The type and text of a file by its name.
pub(super) fn file(name: &str) -> Option<(&'static str, &'static str)> {
    match name {
        "app.js" => Some(("text/javascript; charset=utf-8", include_str!("../../web/dist/app.js"))),
        "app.css" => Some(("text/css; charset=utf-8", include_str!("../../web/dist/app.css"))),
        "icon.svg" => Some(("image/svg+xml", include_str!("../../web/dist/icon.svg"))),
        "notices.txt" => Some(("text/plain; charset=utf-8", include_str!("../../web/dist/notices.txt"))),
        _ => None,
    }
}
