"""What must hold in every interview, whoever sits in it: what somebody who listens, or reads the report, would notice."""
