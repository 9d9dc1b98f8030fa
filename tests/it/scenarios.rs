//! What the engine does, told as stories: inputs line by line, and after `--` what came of them. Everything that
//! happened must be told, except changes of priority where no line speaks of one.

mod fold;
mod priority;
mod properties;
mod script;
mod stories;
mod world;

use casewright::engine::Policy;
use world::World;

/// Runs a story: each block of `--` lines must be exactly what the inputs before it brought about.
fn check(story: &str) {
    let mut lines = story.lines().map(str::trim).filter(|line| !line.is_empty()).peekable();
    let first = lines.next_if(|line| line.starts_with("policy ")).unwrap_or("policy");
    let mut world = World::new(script::policy(Policy::default(), first));
    let mut expected: Vec<&str> = Vec::new();
    while let Some(line) = lines.next() {
        match line.strip_prefix("-- ") {
            Some(wanted) => expected.push(wanted),
            None => world.line(line),
        }
        let block_ends = lines.peek().is_none_or(|next| !next.starts_with("-- "));
        if line.starts_with("-- ") && block_ends {
            compare(&mut world, &expected, line);
            expected.clear();
        }
    }
    compare(&mut world, &[], "the end");
}

fn compare(world: &mut World, expected: &[&str], at: &str) {
    let mut told = world.told();
    if !expected.iter().any(|line| line.contains(" priority ")) {
        told.retain(|line| !line.contains(" priority "));
    }
    if expected == ["nothing"] {
        assert!(told.is_empty(), "at {at}: nothing was expected, but\n  {}", told.join("\n  "));
        return;
    }
    assert_eq!(told, expected, "at {at}: it told\n  {}", told.join("\n  "));
    // Rows change between batches and never what is decided.
    world.seal();
}
