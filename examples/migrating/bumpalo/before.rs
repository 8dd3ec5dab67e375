use bumpalo::Bump;

struct Node<'a> {
    name: &'a str,
    next: Option<&'a Node<'a>>,
}

fn main() {
    let mut bump = Bump::new();
    for round in 0..2 {
        let name = bump.alloc_str("a node");
        let mut list = None;
        for _ in 0..3 {
            list = Some(&*bump.alloc(Node { name, next: list }));
        }
        let mut node = list;
        while let Some(Node { name, next }) = node {
            println!("{} {}", round, name);
            node = *next;
        }
        bump.reset();
    }
}
