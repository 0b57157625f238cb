use std::time::Instant;
use std::collections::*;
use wsspec_selftest::*;
use wsspec_endpoint::*;
fn light(case: &wsspec_cases::Case) -> bool {
    !matches!(case.id.section(), 9 | 12 | 13) && case.id.to_string() != "21.2.25"
}
#[test]
fn probe() {
    let t = Instant::now();
    let list: Vec<_> = defects().collect();
    let m = Matrix::play(&list, light);
    println!("defects {} rows {} in {:?}", list.len(), m.rows.len(), t.elapsed());
    let fails = |r: &Row| r.changes.values().filter(|c| **c == Change::Fails).count();
    for r in &m.rows {
        let old = r.changes.iter().filter(|(id, c)| id.section() < 14 && **c == Change::Fails).count();
        if fails(r) == 0 { println!("SURVIVES {:?} {:?} weak {:?}", r.deviation, r.role, r.changes.iter().map(|(i,c)| format!("{i}:{c:?}")).collect::<Vec<_>>()); }
        else if std::env::var("ALL").is_ok() { println!("{:?} {:?} old {old} all {}", r.deviation, r.role, fails(r)); }
    }
    let old = m.rows.iter().filter(|r| !r.changes.iter().any(|(id, c)| id.section() < 14 && *c == Change::Fails)).count();
    println!("OLD misses {old}");
    let mut can: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for r in &m.rows { for (id, c) in &r.changes { if *c == Change::Fails { can.entry((*id, r.role == Role::Server)).or_default().insert(r.deviation.id); } } }
    for (role, id, v) in &m.cases { match can.get(&(*id, *role == Role::Server)) {
        None => println!("CANNOT FAIL {id} {role:?} {v:?}"),
        Some(s) if s.len() < 3 => println!("few {id} {role:?} {s:?}"), _ => {} } }
    let t = Instant::now();
    let list: Vec<_> = quirks().collect();
    let m = Matrix::play(&list, light);
    println!("quirks {} rows {} in {:?}", list.len(), m.rows.len(), t.elapsed());
    for r in &m.rows {
        let f: Vec<_> = r.changes.iter().filter(|(_, c)| **c == Change::Fails).map(|(i,_)| i.to_string()).collect();
        let w: Vec<_> = r.changes.iter().filter(|(_, c)| **c == Change::NonStrict).map(|(i,_)| i.to_string()).collect();
        let told = r.changes.iter().filter(|(_, c)| **c == Change::Told).count();
        println!("quirk {:?} {:?} FAILS {f:?} weak {:?} told {told}", r.deviation, r.role, &w[..w.len().min(40)]);
    }
}
