use bumpalo::Bump;

struct Node<'a> {
    value: i32,
    _next: Option<&'a Node<'a>>,
}

fn main() {
    let bump = Bump::new();
    let mut list: Option<&Node> = None;
    for i in 0..1000 {
        list = Some(bump.alloc(Node { value: i, _next: list }));
    }
    assert_eq!(list.unwrap().value, 999);
}
