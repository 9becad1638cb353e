use super::{first_document, problem};

#[test]
fn differential_scratch() {
    let input = std::fs::read_to_string("/tmp/c1go/oracle/in.jsonl").unwrap();
    let mut out = String::new();
    for line in input.lines() {
        let text: String = serde_json::from_str(line).unwrap();
        out.push_str(&match problem(&text) { None => "ok\n".to_owned(), Some(p) => format!("err {p}\n") });
    }
    let _ = first_document("");
    std::fs::write("/tmp/c1go/oracle/rs.out", out).unwrap();
}
