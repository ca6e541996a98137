"""What the client keeps on its computer: XML documents, read with suspicion and written so that one is always whole."""
