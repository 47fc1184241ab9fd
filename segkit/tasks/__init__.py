"""What is learnt, and how it is judged: a folder a task, and what they share."""
