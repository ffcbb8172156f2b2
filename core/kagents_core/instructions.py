"""What an agent is instructed to heed at all times: the team's text, then its own, as one document."""


def layered(team: object, agent: object) -> str:
    """Both texts, the team's first; empty when neither says anything."""
    texts = [text.strip() for text in (team, agent) if isinstance(text, str)]
    told = "\n\n".join(text for text in texts if text)
    return f"{told}\n" if told else ""
